/// A window of a list: entries `start` (inclusive) to `end` (exclusive), from 0.
///
/// PCS writes it `n1-n2` (pcs-rest 4.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first entry of the window.
    pub start: u64,
    /// One past the last entry.
    pub end: u64,
}

impl Window {
    /// The whole list.
    pub const ALL: Self = Self { start: 0, end: u64::MAX };

    /// Reads `n1-n2`; `None` when it is malformed or `n1` is the larger.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse().unwrap_or(u64::MAX))
        };
        let (start, end) = text.split_once('-')?;
        let window = Self { start: number(start)?, end: number(end)? };
        (window.start <= window.end).then_some(window)
    }

    /// How many entries the window can hold.
    pub fn len(&self) -> u64 {
        self.end - self.start
    }

    /// Whether the window can hold no entry at all.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }
}

#[cfg(test)]
mod tests {
    use super::Window;

    #[test]
    fn windows_are_read_as_clients_write_them() {
        assert_eq!(Window::parse("0-2147483647"), Some(Window { start: 0, end: 2_147_483_647 }));
        assert_eq!(Window::parse("5-5"), Some(Window { start: 5, end: 5 }));
        assert_eq!(
            Window::parse("0-99999999999999999999"),
            Some(Window { start: 0, end: u64::MAX })
        );
        for text in ["", "-", "1", "1-", "-1", "2-1", "a-b", "1-2-3", "+1-2", " 1-2"] {
            assert_eq!(Window::parse(text), None, "{text}");
        }
    }
}
