//! The name of a new copy: `stem_YYYYMMDDhhmmss.ext` (pcs-rest 4.2).

use pan_engine::{LocalTime, MetaRead};
use pan_model::{FsId, MAX_CREATED_PATH_BYTES, MAX_NAME_BYTES, NameKey};

use crate::Result;

/// A name in `parent` that nothing has. `parent_bytes` is the length of the
/// parent's path; the stem is shortened so that the whole stays legal.
pub(crate) fn free_name(
    read: &mut dyn MetaRead,
    parent: FsId,
    parent_bytes: usize,
    name: &str,
    at: LocalTime,
) -> Result<String> {
    let room = MAX_NAME_BYTES.min(MAX_CREATED_PATH_BYTES.saturating_sub(parent_bytes + 1));
    let (stem, extension) = split(name);
    let date = format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}",
        at.year, at.month, at.day, at.hour, at.minute, at.second
    );
    for attempt in 0u64.. {
        let suffix = match attempt {
            0 => format!("_{date}{extension}"),
            n => format!("_{date}_{n}{extension}"),
        };
        let candidate = format!("{}{suffix}", shorten(stem, room.saturating_sub(suffix.len())));
        if read.get_child(parent, &NameKey::of(&candidate))?.is_none() {
            return Ok(candidate);
        }
    }
    unreachable!("there are more numbers than entries")
}

/// The stem and the extension with its dot.
fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 => name.split_at(dot),
        _ => (name, ""),
    }
}

fn shorten(stem: &str, bytes: usize) -> &str {
    let mut end = stem.len().min(bytes);
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    &stem[..end]
}

#[cfg(test)]
mod tests {
    use super::{shorten, split};

    #[test]
    fn the_extension_starts_at_the_last_dot() {
        assert_eq!(split("a.tar.gz"), ("a.tar", ".gz"));
        assert_eq!(split("none"), ("none", ""));
        assert_eq!(split(".hidden"), (".hidden", ""));
    }

    #[test]
    fn a_stem_is_cut_between_characters() {
        assert_eq!(shorten("测试", 5), "测");
        assert_eq!(shorten("ab", 5), "ab");
        assert_eq!(shorten("测", 0), "");
    }
}
