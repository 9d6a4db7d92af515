//! The words by which the index finds a name: pieces of one to three characters.
//!
//! Every piece of three characters is a word, and so are the last two and the
//! last one. A keyword of three or more is looked for by all of its threes.
//! Shorter pieces are words only when they are not plain ASCII: a keyword of two
//! Chinese characters is as telling as one of six letters, but "im" begins so
//! many threes that as a word of its own it would double the work of every
//! upload. Such a keyword is looked for as the beginning of a word.

use pan_model::SearchKey;

/// More than these tell no more; FTS5 has a limit of its own.
const THREES_MAX: usize = 8;

/// ASCII that would divide words is put into a private area of Unicode. Names
/// that use the same area are harmless: every candidate is compared.
const PRIVATE_AREA: u32 = 0xe000;

/// Writes the words of a folded name, with blanks between them.
pub(crate) fn write_words(key: &SearchKey, out: &mut String) {
    let chars: Vec<char> = key.as_str().chars().map(whole).collect();
    let mut push = |piece: &[char]| {
        out.extend(piece);
        out.push(' ');
    };
    for first in 0..chars.len() {
        let three = &chars[first..chars.len().min(first + 3)];
        push(three);
        for shorter in 1..three.len() {
            if !is_plain(&three[..shorter]) {
                push(&three[..shorter]);
            }
        }
    }
}

/// What to ask the index for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WordsQuery {
    /// In the language of FTS5.
    pub(crate) expression: String,
    /// Whether a word only has to begin so: the index then gathers all hits
    /// before it gives the first.
    pub(crate) is_beginning: bool,
}

impl WordsQuery {
    /// What finds at least every name with this keyword; it is not empty.
    pub(crate) fn of(keyword: &SearchKey) -> Self {
        let chars: Vec<char> = keyword.as_str().chars().map(whole).collect();
        let is_beginning = chars.len() < 3 && is_plain(&chars);
        let quoted = |piece: &[char]| format!("\"{}\"", piece.iter().collect::<String>());
        let expression = match chars.len() {
            0..3 if is_beginning => quoted(&chars) + "*",
            0..3 => quoted(&chars),
            _ => {
                let threes = chars.windows(3);
                let step = threes.len().div_ceil(THREES_MAX);
                let mut words: Vec<_> = threes.step_by(step).map(quoted).collect();
                words.sort_unstable();
                words.dedup();
                words.join(" AND ")
            }
        };
        Self { expression, is_beginning }
    }
}

/// A character as a part of a word. Everything beyond ASCII is one already.
fn whole(c: char) -> char {
    if !c.is_ascii() || c.is_ascii_alphanumeric() {
        return c;
    }
    char::from_u32(PRIVATE_AREA + u32::from(c)).unwrap_or(c)
}

fn is_plain(piece: &[char]) -> bool {
    let plain = |c: char| c.is_ascii() || (PRIVATE_AREA..PRIVATE_AREA + 0x80).contains(&c.into());
    piece.iter().all(|&c| plain(c))
}

#[cfg(test)]
mod tests {
    use pan_model::SearchKey;

    use super::{THREES_MAX, WordsQuery, write_words};

    fn words(name: &str) -> String {
        let mut words = String::new();
        write_words(&SearchKey::of(name), &mut words);
        words.trim_end().replace('\u{e02e}', ".").replace('\u{e022}', "\"")
    }

    fn query(keyword: &str) -> String {
        WordsQuery::of(&SearchKey::of(keyword)).expression
    }

    #[test]
    fn names_become_words() {
        assert_eq!(words("A.jpg"), "a.j .jp jpg pg g");
        assert_eq!(words("测试x"), "测试x 测 测试 试x 试 x");
        assert_eq!(words("a测b"), "a测b a测 测b 测 b");
        assert_eq!(words(""), "");
    }

    #[test]
    fn keywords_become_questions() {
        assert_eq!(query("IMG1"), r#""img" AND "mg1""#);
        assert_eq!(query("aaaaa"), r#""aaa""#);
        assert_eq!(query("im"), r#""im"*"#);
        assert_eq!(query("测试"), r#""测试""#);
        assert_eq!(query("测"), r#""测""#);
        assert_eq!(query("\"'*"), "\"\u{e022}\u{e027}\u{e02a}\"");
        assert!(query(&"0123456789abc".repeat(400)).matches("AND").count() < THREES_MAX);
    }
}
