//! What a client says about a file that it does not send (pcs-rest 4.19).

use pan_model::{ContentClaim, Crc32};

use crate::params::check_md5;
use crate::{ParamError, Params};

impl Params {
    /// The digests of a rapid upload, in all the notations of old clients.
    ///
    /// # Errors
    /// 31023 when one is missing or wrong, or when the file is not larger
    /// than 256 KiB.
    pub fn content_claim(&self) -> Result<ContentClaim, ParamError> {
        let size = self.rapid_length()?;
        let md5 = |name| check_md5(name, self.text(name)?.ok_or(ParamError::Missing(name))?);
        Ok(ContentClaim {
            size,
            md5: md5("content-md5")?,
            slice_md5: md5("slice-md5")?,
            // What makes no sense is as good as nothing: the md5s decide.
            crc32: self.text("content-crc32").ok().flatten().map(crc32s).unwrap_or_default(),
        })
    }
}

/// What a client may mean: `0x…` is hex, anything else decimal or hex. None
/// for 0, which clients send that did not compute one, and for what is no
/// number.
fn crc32s(text: &str) -> Vec<Crc32> {
    let text = text.trim();
    let hex = |digits: &str| u32::from_str_radix(digits, 16).ok();
    let readings = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(digits) => [hex(digits), None],
        None => [text.parse().ok(), hex(text)],
    };
    let mut readings: Vec<_> = readings.into_iter().flatten().filter(|&crc32| crc32 != 0).collect();
    readings.dedup();
    readings.into_iter().map(Crc32).collect()
}

#[cfg(test)]
mod tests {
    use super::crc32s;
    use crate::Params;

    const MD5: &str = "900150983cd24fb0d6963f7d28e17f72";

    #[test]
    fn a_crc32_is_read_in_every_notation() {
        for (text, readings) in [
            ("0xEF1D8C65", &[0xef1d_8c65][..]),
            ("0x65", &[0x65]),
            ("ef1d8c65", &[0xef1d_8c65]),
            ("4011691109", &[4_011_691_109]),
            ("12345678", &[12_345_678, 0x1234_5678]),
            ("7", &[7]),
            ("0", &[]),
            ("0x0", &[]),
            ("00000000", &[]),
            ("", &[]),
            ("crc", &[]),
            ("-5", &[]),
            ("0x123456789", &[]),
        ] {
            let found: Vec<u32> = crc32s(text).iter().map(|crc32| crc32.0).collect();
            assert_eq!(found, readings, "{text}");
        }
    }

    #[test]
    fn a_claim_has_a_length_and_two_md5s() {
        let claim = |query: &str| {
            let mut params = Params::new();
            params.merge_urlencoded(query.as_bytes());
            params.content_claim()
        };
        let whole = format!("content-length=262145&content-md5={MD5}&slice-md5={MD5}");
        assert_eq!(claim(&whole).unwrap().size.0, 262_145);
        assert!(claim(&whole).unwrap().crc32.is_empty());
        assert_eq!(claim(&format!("{whole}&content-crc32=0x7")).unwrap().crc32.len(), 1);
        assert_eq!(claim(&format!("{whole}&content-crc32=%ff")).unwrap().crc32.len(), 0);
        // bypy's scrambled form of the same md5.
        let scrambled = "3df10ad71paa9d7729c23a155f3df292";
        let bypys = whole.replacen(MD5, scrambled, 1);
        assert_eq!(claim(&bypys), claim(&whole));
        assert_eq!(claim(&whole.replace(MD5, scrambled)), claim(&whole));
        for wrong in [
            whole.replace("262145", "262144"),
            whole.replace("262145", "-1"),
            whole.replace("content-length", "length"),
            whole.replace("content-md5", "md5"),
            whole.replace("slice-md5", "slice"),
            whole.replacen(MD5, "900150", 1),
        ] {
            assert!(claim(&wrong).is_err(), "{wrong}");
        }
    }
}
