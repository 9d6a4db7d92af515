//! The scrambled md5 that Baidu's servers send and bypy expects (pcs-rest 9.1).

use pan_model::{Md5, Md5Style};

/// The md5 as this caller expects to read it.
pub fn show_md5(md5: &Md5, style: Md5Style) -> String {
    match style {
        Md5Style::Plain => md5.to_string(),
        Md5Style::Baidu => encode_md5(md5),
    }
}

/// The scrambled form.
pub fn encode_md5(md5: &Md5) -> String {
    let plain = md5.to_string();
    let swapped = swap_groups(plain.as_bytes());
    let mut text = String::with_capacity(32);
    for (i, byte) in swapped.into_iter().enumerate() {
        let digit = value(byte).unwrap_or(0) ^ (i as u8 & 15);
        text.push(if i == 9 { char::from(b'g' + digit) } else { hex(digit) });
    }
    text
}

/// Reads an md5 in either form; `None` when it is neither.
pub fn decode_md5(text: &str) -> Option<Md5> {
    if let Ok(md5) = text.parse() {
        return Some(md5);
    }
    let bytes: [u8; 32] = text.as_bytes().try_into().ok()?;
    let mut plain = [0u8; 32];
    for (i, byte) in bytes.into_iter().enumerate() {
        let digit = match (i, byte) {
            (9, b'g'..=b'v') => byte - b'g',
            (9, _) => return None,
            _ => value(byte)?,
        };
        plain[i] = hex(digit ^ (i as u8 & 15)) as u8;
    }
    std::str::from_utf8(&swap_groups(&plain)).ok()?.parse().ok()
}

/// Swaps the first two and the last two groups of eight digits; undoes itself.
fn swap_groups(text: &[u8]) -> [u8; 32] {
    let mut swapped = [0; 32];
    for (to, from) in [(0, 8), (8, 0), (16, 24), (24, 16)] {
        swapped[to..to + 8].copy_from_slice(&text[from..from + 8]);
    }
    swapped
}

fn value(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

fn hex(value: u8) -> char {
    char::from(b"0123456789abcdef"[usize::from(value & 15)])
}

#[cfg(test)]
mod tests {
    use super::{decode_md5, encode_md5};

    // pcs-rest 11.1.
    const VECTORS: &[(&str, &str)] = &[
        ("d41d8cd98f00b204e9800998ecf8427e", "8e23f7635tb64136eddb0719602bc477"),
        ("900150983cd24fb0d6963f7d28e17f72", "3df10ad71paa9d7729c23a155f3df292"),
        ("5eb63bbbe01eeed093cb22bb8f5acdc3", "e13dabb7dn1df6548e7988a41a60ef54"),
        ("7202826a7791073fe2787f0c94603278", "76b24258fra94f859543771f6bd3b2e3"),
    ];

    #[test]
    fn the_vectors_of_the_book_hold_both_ways() {
        for (plain, scrambled) in VECTORS {
            let md5 = plain.parse().unwrap();
            assert_eq!(encode_md5(&md5), *scrambled);
            assert_eq!(decode_md5(scrambled), Some(md5));
            assert_eq!(decode_md5(plain), Some(md5));
        }
    }

    #[test]
    fn what_is_neither_form_is_refused() {
        for text in [
            "",
            "8e23f7635",
            "8e23f7635tb64136eddb0719602bc47z",
            "8e23f7635xb64136eddb0719602bc477",
        ] {
            assert_eq!(decode_md5(text), None, "{text}");
        }
        assert_eq!(decode_md5(&"é".repeat(16)), None);
    }
}
