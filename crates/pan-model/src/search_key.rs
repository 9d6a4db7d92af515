use unicode_normalization::{UnicodeNormalization, is_nfc};

/// What search compares: a name or a keyword without its case and in NFC.
///
/// Index, scan and verification all use this one folding, so that they agree
/// on what matches. A final sigma is a sigma, and an i with a dot above is an i.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SearchKey(String);

impl SearchKey {
    /// Folds a name or a keyword.
    pub fn of(text: &str) -> Self {
        if text.is_ascii() {
            return Self(text.to_ascii_lowercase());
        }
        // Character by character: what surrounds one does not change its form.
        let mut folded = String::with_capacity(text.len());
        for c in text.nfc().flat_map(char::to_lowercase) {
            match c {
                'ς' => folded.push('σ'),
                '\u{307}' if folded.ends_with('i') => {}
                c => folded.push(c),
            }
        }
        Self(if is_nfc(&folded) { folded } else { folded.nfc().collect() })
    }

    /// Whether this keyword is somewhere in a name. Every character is plain.
    pub fn is_in(&self, name: &str) -> bool {
        Self::of(name).0.contains(&self.0)
    }

    /// The folded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::SearchKey;

    #[test]
    fn case_and_spelling_do_not_matter() {
        for (keyword, name) in [
            ("IMG", "img_1.jpg"),
            ("照片", "我的照片.jpg"),
            ("ПРИВЕТ", "привет.txt"),
            ("ΟΔΥΣ", "Οδυσσευς"),
            ("σευς", "ΟΔΥΣΣΕΥΣ"),
            ("istanbul", "İSTANBUL.pdf"),
            ("İst", "istanbul"),
            ("STRAẞE", "straße"),
            ("CAFE\u{301}", "caf\u{e9}"),
            ("caf\u{c9}", "cafe\u{301}"),
            ("\u{1112}\u{1161}\u{11ab}", "한국"),
            ("😀", "a😀b"),
            ("100%", "100% sure"),
        ] {
            assert!(SearchKey::of(keyword).is_in(name), "{keyword} in {name}");
        }
    }

    #[test]
    fn nothing_stands_for_anything_else() {
        for (keyword, name) in
            [("a%b", "axb"), ("a_b", "axb"), ("*", "a"), ("e", "\u{e9}"), ("ss", "ß"), ("\"", "a")]
        {
            assert!(!SearchKey::of(keyword).is_in(name), "{keyword} in {name}");
        }
    }

    #[test]
    fn folding_twice_changes_nothing() {
        for text in
            ["İI\u{307}i\u{307}", "Σς", "ẞ", "\u{212a}\u{212b}", "ǅ", "が\u{3099}", "İ\u{307}x"]
        {
            let once = SearchKey::of(text);
            assert_eq!(SearchKey::of(once.as_str()), once, "{text}");
        }
    }
}
