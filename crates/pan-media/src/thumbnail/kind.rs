use pan_engine::ImageKind;

/// What a content is by its first bytes; its name says nothing.
pub(crate) fn kind_of(content: &[u8]) -> Option<ImageKind> {
    let magics: [(&[u8], ImageKind); 5] = [
        (b"\xff\xd8\xff", ImageKind::Jpeg),
        (b"\x89PNG\r\n\x1a\n", ImageKind::Png),
        (b"GIF87a", ImageKind::Gif),
        (b"GIF89a", ImageKind::Gif),
        (b"BM", ImageKind::Bmp),
    ];
    magics.into_iter().find(|(magic, _)| content.starts_with(magic)).map(|(_, kind)| kind)
}
