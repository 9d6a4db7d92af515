//! What a name must look like: `*`, `?`, `[a-z]`, `{a,b}` and `\` before a
//! character that means itself.
//!
//! Names are compared by characters. The libraries for file names compare
//! bytes, and of those a `中` has three: it would not match `?`.

use unicode_normalization::UnicodeNormalization;

/// More than this come of `{a,b}{c,d}…` only by mistake.
const MAX_CHOICES: usize = 1000;

/// A pattern for one name.
#[derive(Debug)]
pub(crate) struct NamePattern {
    /// What `{a,b}` stands for, one by one: a name matches any of them.
    choices: Vec<Vec<Token>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Is(char),
    /// `?`
    AnyOne,
    /// `*`
    AnyMany,
    /// `[a-z]` and `[!a-z]`
    OneOf {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
}

/// Whether a text means more than itself.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// The text that a pattern without any wildcard means.
pub(crate) fn unescaped(text: &str) -> String {
    let mut chars = text.chars();
    let mut plain = String::new();
    while let Some(c) = chars.next() {
        plain.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    plain
}

impl NamePattern {
    /// Reads a pattern. A bracket that nothing closes means itself.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let chars: Vec<char> = text.nfc().collect();
        let choices = sequence(&chars).ok_or_else(|| {
            format!("`{text}` means more than {MAX_CHOICES} things: use fewer `{{…}}`")
        })?;
        Ok(Self { choices })
    }

    /// Whether a name matches, however its accents are written.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.nfc().collect();
        self.choices.iter().any(|tokens| matches(tokens, &name))
    }
}

/// What a text can mean; `None` when that is too much.
fn sequence(mut chars: &[char]) -> Option<Vec<Vec<Token>>> {
    let mut choices = vec![Vec::new()];
    while let Some((&first, rest)) = chars.split_first() {
        let (next, after) = match first {
            '\\' if !rest.is_empty() => (vec![vec![Token::Is(rest[0])]], &rest[1..]),
            '?' => (vec![vec![Token::AnyOne]], rest),
            '*' => (vec![vec![Token::AnyMany]], rest),
            '[' => match class(rest) {
                Some((token, after)) => (vec![vec![token]], after),
                None => (vec![vec![Token::Is(first)]], rest),
            },
            '{' => match alternatives(rest) {
                Some((parts, after)) => {
                    let parts: Option<Vec<_>> = parts.iter().map(|part| sequence(part)).collect();
                    (parts?.concat(), after)
                }
                None => (vec![vec![Token::Is(first)]], rest),
            },
            _ => (vec![vec![Token::Is(first)]], rest),
        };
        if choices.len() * next.len() > MAX_CHOICES {
            return None;
        }
        choices = choices
            .iter()
            .flat_map(|begun| next.iter().map(move |more| [&begun[..], &more[..]].concat()))
            .collect();
        chars = after;
    }
    Some(choices)
}

/// The inside of a `[`, and what follows the `]`.
fn class(chars: &[char]) -> Option<(Token, &[char])> {
    let negated = matches!(chars.first(), Some('!' | '^'));
    let inside = if negated { &chars[1..] } else { chars };
    // A `]` that comes first is one of the characters.
    let end = 1 + inside.iter().skip(1).position(|&c| c == ']')?;
    let mut ranges = Vec::new();
    let mut left = &inside[..end];
    while let Some(&from) = left.first() {
        match left {
            [_, '-', to, ..] => {
                ranges.push((from, *to));
                left = &left[3..];
            }
            _ => {
                ranges.push((from, from));
                left = &left[1..];
            }
        }
    }
    Some((Token::OneOf { ranges, negated }, &inside[end + 1..]))
}

/// The parts of a `{`, and what follows the `}`. Without a comma it means
/// itself, as in a shell.
fn alternatives(chars: &[char]) -> Option<(Vec<&[char]>, &[char])> {
    let (mut depth, mut begin, mut at) = (0, 0, 0);
    let mut parts = Vec::new();
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 1,
            '{' => depth += 1,
            ',' if depth == 0 => {
                parts.push(&chars[begin..at]);
                begin = at + 1;
            }
            '}' if depth > 0 => depth -= 1,
            '}' => {
                parts.push(&chars[begin..at]);
                return (parts.len() > 1).then_some((parts, &chars[at + 1..]));
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Goes along both; where that fails, the last `*` takes one character more.
fn matches(tokens: &[Token], name: &[char]) -> bool {
    let (mut t, mut n) = (0, 0);
    let mut last_star = None;
    loop {
        let fits = match (tokens.get(t), name.get(n)) {
            (None, None) => return true,
            (Some(Token::AnyMany), _) => {
                last_star = Some((t, n));
                t += 1;
                continue;
            }
            (Some(token), Some(&c)) => token.is(c),
            _ => false,
        };
        if fits {
            (t, n) = (t + 1, n + 1);
            continue;
        }
        match last_star {
            Some((star, from)) if from < name.len() => {
                last_star = Some((star, from + 1));
                (t, n) = (star + 1, from + 1);
            }
            _ => return false,
        }
    }
}

impl Token {
    fn is(&self, c: char) -> bool {
        match self {
            Self::Is(own) => *own == c,
            Self::AnyOne | Self::AnyMany => true,
            Self::OneOf { ranges, negated } => {
                ranges.iter().any(|&(from, to)| (from..=to).contains(&c)) != *negated
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NamePattern, unescaped};

    #[test]
    fn names_and_patterns() {
        for (pattern, yes, no) in [
            ("*", &["", "a", ".hidden"][..], &[][..]),
            ("*.jpg", &["a.jpg", ".jpg", "a.jpg.jpg"], &["a.jpeg", "jpg", "a.JPG"]),
            ("a*b*c", &["abc", "axxbxxc", "abcbc"], &["ab", "abcd"]),
            ("??", &["ab", "中文", "e\u{301}x"], &["a", "abc", "中"]),
            ("[a-c]x", &["ax", "cx"], &["dx", "x", "aax"]),
            ("[!a-c]x", &["dx", "中x"], &["ax"]),
            ("[äö中]", &["ä", "a\u{308}", "中"], &["a", "国"]),
            ("[]a]", &["]", "a"], &["b"]),
            ("[a-]", &["a", "-"], &["b"]),
            ("[ab", &["[ab"], &["a"]),
            ("{a,b{c,d}}*", &["a", "bc", "bdx"], &["b", "c"]),
            ("{a}", &["{a}"], &["a"]),
            ("{a,b", &["{a,b"], &["a"]),
            ("x{,y}", &["x", "xy"], &["y"]),
            (r"\*\[", &["*["], &["a[", r"\*["]),
            (r"{\,,a}", &[",", "a"], &[""]),
            ("é*", &["e\u{301}t\u{e9}"], &["e"]),
        ] {
            let parsed = NamePattern::parse(pattern).unwrap();
            for name in yes {
                assert!(parsed.matches(name), "{pattern} {name}");
            }
            for name in no {
                assert!(!parsed.matches(name), "{pattern} {name}");
            }
        }
    }

    #[test]
    fn a_pattern_takes_neither_long_nor_much() {
        assert!(NamePattern::parse(&"{a,b}".repeat(10)).is_err());
        let slow = NamePattern::parse(&"*a".repeat(50)).unwrap();
        assert!(!slow.matches(&"a".repeat(250).replace("aaaaaa", "aaaaab")[..40]));
        assert!(!slow.matches(&("a".repeat(49) + &"b".repeat(200))));
    }

    #[test]
    fn a_backslash_takes_the_meaning_away() {
        assert_eq!(unescaped(r"a\*b\\c\"), r"a*b\c\");
    }
}
