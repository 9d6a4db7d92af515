//! Which container a file is, by its first bytes and nothing else.
//!
//! ffmpeg's own probing is never asked: it would find a playlist, and a playlist
//! names other files. Nothing that is text is a container here.

/// How many bytes of the beginning [`sniff`] looks at.
pub(crate) const HEAD_BYTES: usize = 64 * 1024;

/// The containers that are read. Each forces its one demuxer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Container {
    /// Windows media: wmv, wma, asf.
    Asf,
    /// Audio video interleave.
    Avi,
    /// Flash video.
    Flv,
    /// An animated picture.
    Gif,
    /// Matroska and WebM.
    Matroska,
    /// QuickTime and its descendants: mov, mp4, m4a, 3gp, 3g2, mj2.
    Mov,
    /// An MPEG program stream: mpg, vob.
    MpegPs,
    /// An MPEG transport stream, also with the time stamps of a disc: ts, m2ts.
    MpegTs,
    /// RealMedia: rm, rmvb.
    Rm,
}

impl Container {
    /// The name of its demuxer. It is also the white list of formats: a demuxer
    /// that looks for another one inside finds none.
    pub(crate) fn demuxer(self) -> &'static str {
        match self {
            Self::Asf => "asf",
            Self::Avi => "avi",
            Self::Flv => "flv",
            Self::Gif => "gif",
            Self::Matroska => "matroska",
            Self::Mov => "mov",
            Self::MpegPs => "mpeg",
            Self::MpegTs => "mpegts",
            Self::Rm => "rm",
        }
    }
}

/// Decides by the first bytes of a file, up to [`HEAD_BYTES`] of them. `None`
/// for everything else, and so for every playlist.
pub(crate) fn sniff(head: &[u8]) -> Option<Container> {
    let head = &head[..head.len().min(HEAD_BYTES)];
    MAGIC
        .iter()
        .find(|(magic, _)| head.starts_with(magic))
        .map(|(_, container)| *container)
        .or_else(|| is_avi(head).then_some(Container::Avi))
        .or_else(|| is_mov(head).then_some(Container::Mov))
        .or_else(|| is_transport_stream(head).then_some(Container::MpegTs))
}

const MAGIC: &[(&[u8], Container)] = &[
    (
        // The GUID of the header object.
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c",
        Container::Asf,
    ),
    (b"FLV\x01", Container::Flv),
    (b"GIF87a", Container::Gif),
    (b"GIF89a", Container::Gif),
    (b"\x1a\x45\xdf\xa3", Container::Matroska),
    // The start code of a pack.
    (b"\x00\x00\x01\xba", Container::MpegPs),
    (b".RMF\x00\x00\x00", Container::Rm),
];

fn is_avi(head: &[u8]) -> bool {
    let kind = head.get(8..12);
    head.starts_with(b"RIFF") && (kind == Some(b"AVI ") || kind == Some(b"AVIX"))
}

/// Whether the file begins with boxes, of which one is of a movie. Old QuickTime
/// files have no `ftyp`.
fn is_mov(head: &[u8]) -> bool {
    let mut at = 0_usize;
    while let Some(header) = head.get(at..at.saturating_add(8)) {
        let size = u32::from_be_bytes([header[0], header[1], header[2], header[3]]);
        match &header[4..] {
            b"ftyp" | b"moov" | b"mdat" => return size >= 8 || size <= 1,
            b"wide" | b"free" | b"skip" | b"pnot" if size >= 8 => {}
            _ => return false,
        }
        at = at.saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
    }
    false
}

/// The length of a packet, and where its sync byte is: packets of a disc have a
/// time stamp before them.
const PACKETS: &[(usize, usize)] = &[(188, 0), (192, 4)];

const SYNC: u8 = 0x47;

/// So many sync bytes in their places are no accident.
const SYNCS_MIN: usize = 4;

/// Whether sync bytes come at equal distances, from the beginning on. A file
/// that is shorter than that is whole when it ends with a packet.
fn is_transport_stream(head: &[u8]) -> bool {
    PACKETS.iter().any(|&(length, sync)| {
        let packets = (head.len() / length).min(64);
        packets >= SYNCS_MIN
            && (0..packets).all(|index| head[index * length + sync] == SYNC)
            // A sync byte is a G: a text of nothing else is no stream.
            && head.iter().any(|byte| !byte.is_ascii())
    })
}

#[cfg(test)]
mod tests {
    use super::{Container, sniff};

    #[test]
    fn containers_are_known_by_their_beginning() {
        let mut stream = vec![0xff_u8; 188 * 8];
        stream.iter_mut().step_by(188).for_each(|byte| *byte = 0x47);
        let mut disc = vec![0xff_u8; 192 * 8];
        disc.iter_mut().skip(4).step_by(192).for_each(|byte| *byte = 0x47);
        let table: &[(&[u8], Option<Container>)] = &[
            (b"RIFF\x00\x01\x02\x03AVI LIST", Some(Container::Avi)),
            (b"RIFF\x00\x01\x02\x03WAVEfmt ", None),
            (b"\x00\x00\x00\x18ftypisom", Some(Container::Mov)),
            (b"\x00\x00\x00\x08wide\x00\x01\x00\x00mdat", Some(Container::Mov)),
            (b"\x00\x00\x00\x08free\x00\x00\x00\x08free", None),
            (b"\x00\x00\x00\x00free", None),
            (b"FLV\x01\x05", Some(Container::Flv)),
            (b"GIF89a\x01", Some(Container::Gif)),
            (b"\x1a\x45\xdf\xa3\x01", Some(Container::Matroska)),
            (b"\x00\x00\x01\xba\x44", Some(Container::MpegPs)),
            (b".RMF\x00\x00\x00\x12", Some(Container::Rm)),
            (&stream, Some(Container::MpegTs)),
            (&disc, Some(Container::MpegTs)),
            (&[0x47; 100], None),
            (b"", None),
        ];
        for (head, container) in table {
            assert_eq!(sniff(head), *container, "{:?}", &head[..head.len().min(16)]);
        }
    }

    #[test]
    fn text_is_no_container() {
        let playlists = [
            "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1/\n",
            "ffconcat version 1.0\nfile /etc/passwd\n",
            "<?xml version=\"1.0\"?><MPD></MPD>",
            "v=0\no=- 0 0 IN IP4 127.0.0.1\n",
            "RTSPtext\r\nrtsp://127.0.0.1/",
        ];
        for text in playlists {
            assert_eq!(sniff(text.as_bytes()), None, "{text}");
            assert_eq!(sniff(format!("\u{feff}{text}").as_bytes()), None, "{text}");
        }
        assert_eq!(sniff(&[b'G'; 4096]), None);
    }
}
