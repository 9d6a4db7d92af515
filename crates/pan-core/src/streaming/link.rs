//! What a link to the pieces of a video says, before it is sealed.

use pan_model::{ContentId, FsId, PanPath, StreamFormat, Timestamp};

/// Links of another version lead nowhere.
const VERSION: u8 = 1;
/// Everything before the text of the root.
const FIXED_BYTES: usize = 38;

/// What is watched, by whom and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// The file.
    pub(super) fs_id: FsId,
    /// What it held when the playlist was made.
    pub(super) content: ContentId,
    /// What it is transcoded to.
    pub(super) format: StreamFormat,
    /// Tells this playlist from every other.
    pub(super) session: u64,
    /// How many pieces there are.
    pub(super) pieces: u32,
    /// When the link ends.
    pub(super) expires: Timestamp,
    /// The root of the token that asked for the playlist.
    pub(super) root: PanPath,
}

impl Link {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FIXED_BYTES + self.root.as_str().len());
        bytes.push(VERSION);
        bytes.push(number_of(self.format));
        bytes.extend_from_slice(&self.fs_id.get().to_be_bytes());
        bytes.extend_from_slice(&self.content.0.to_be_bytes());
        bytes.extend_from_slice(&self.session.to_be_bytes());
        bytes.extend_from_slice(&self.pieces.to_be_bytes());
        bytes.extend_from_slice(&self.expires.0.to_be_bytes());
        bytes.extend_from_slice(self.root.as_str().as_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let [version, format] = take(&mut rest)?;
        if version != VERSION {
            return None;
        }
        Some(Self {
            fs_id: FsId::from_u64(u64::from_be_bytes(take(&mut rest)?))?,
            content: ContentId(i64::from_be_bytes(take(&mut rest)?)),
            format: *StreamFormat::ALL.get(usize::from(format))?,
            session: u64::from_be_bytes(take(&mut rest)?),
            pieces: u32::from_be_bytes(take(&mut rest)?),
            expires: Timestamp(i64::from_be_bytes(take(&mut rest)?)),
            root: PanPath::parse(std::str::from_utf8(rest).ok()?).ok()?,
        })
    }
}

fn number_of(format: StreamFormat) -> u8 {
    StreamFormat::ALL.iter().position(|other| *other == format).map_or(u8::MAX, |at| at as u8)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use pan_model::{ContentId, FsId, PanPath, StreamFormat, Timestamp, UserNo};

    use super::Link;

    #[test]
    fn a_link_goes_both_ways() {
        for (at, format) in StreamFormat::ALL.into_iter().enumerate() {
            let link = Link {
                fs_id: FsId::compose(UserNo(3), 77),
                content: ContentId(1 << 40),
                format,
                session: u64::MAX - at as u64,
                pieces: 1_000,
                expires: Timestamp(1_800_000_000),
                root: PanPath::parse("/apps/照片").unwrap(),
            };
            let bytes = link.to_bytes();
            assert_eq!(Link::from_bytes(&bytes), Some(link));
            assert_eq!(Link::from_bytes(&bytes[..20]), None);
        }
        assert_eq!(Link::from_bytes(&[2; 60]), None);
    }
}
