//! The words of a command line that is still being typed.

/// A word, without its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    /// Where the part begins that the shell replaces with a completion.
    pub(crate) replaced_from: usize,
}

/// The words of a line up to the cursor, the last of which may be empty.
/// `breaks` are characters that end for bash what it replaces; no word.
pub(crate) fn words(line: &str, breaks: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut word = Word { text: String::new(), replaced_from: 0 };
    let mut is_begun = false;
    let mut chars = line.chars();
    let mut quote = None;
    while let Some(c) = chars.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => word.text.extend(chars.next()),
            (c, Some(_)) => word.text.push(c),
            ('\'' | '"', None) => quote = Some(c),
            (' ' | '\t', None) => {
                if is_begun {
                    words.push(std::mem::replace(
                        &mut word,
                        Word { text: String::new(), replaced_from: 0 },
                    ));
                }
                is_begun = false;
                continue;
            }
            (c, None) => {
                word.text.push(c);
                if breaks.contains(c) {
                    word.replaced_from = word.text.len();
                }
            }
        }
        is_begun = true;
    }
    words.push(word);
    words
}

/// A word without its quotes.
pub(crate) fn unquoted(word: &str) -> String {
    // Blanks in it are its own: the shell knew where it ends.
    let mut chars = word.chars();
    let mut quote = None;
    let mut text = String::new();
    while let Some(c) = chars.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => text.extend(chars.next()),
            ('\'' | '"', None) => quote = Some(c),
            (c, _) => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{unquoted, words};

    #[test]
    fn lines_that_are_being_typed() {
        for (line, expected, replaced) in [
            ("pan ls /ph", &["pan", "ls", "/ph"][..], "/ph"),
            ("pan ls ", &["pan", "ls", ""], ""),
            ("pan  ls\t/", &["pan", "ls", "/"], "/"),
            ("pan ls home:/ph", &["pan", "ls", "home:/ph"], "/ph"),
            ("pan --profile=ho", &["pan", "--profile=ho"], "ho"),
            (r"pan ls /a\ b/c", &["pan", "ls", "/a b/c"], "/a b/c"),
            ("pan ls '/a b:/c", &["pan", "ls", "/a b:/c"], "/a b:/c"),
            (r#"pan ls "/a \"b"#, &["pan", "ls", "/a \"b"], "/a \"b"),
            ("pan ls '' x", &["pan", "ls", "", "x"], "x"),
        ] {
            let words = words(line, " \t\n\"'><=;|&(:");
            let texts: Vec<_> = words.iter().map(|word| word.text.as_str()).collect();
            assert_eq!(texts, expected, "{line}");
            let last = words.last().unwrap();
            assert_eq!(&last.text[last.replaced_from..], replaced, "{line}");
        }
        assert_eq!(unquoted(r#"/a\ "b c"'d"#), "/a b cd");
    }
}
