//! JSON values in all the spellings that services were seen to use (pcs-rest
//! 2.1): for `deserialize_with`.

use std::str::FromStr;

use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer};

use crate::decode::Fault;

/// Beyond these a double is no longer exact.
const EXACT_DOUBLES: f64 = 9_007_199_254_740_992.0;

/// A JSON scalar.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Flag(bool),
    Unsigned(u64),
    Signed(i64),
    Double(f64),
    Text(String),
    Absent(()),
}

/// Any JSON value.
#[derive(Deserialize)]
#[serde(untagged)]
enum Loose {
    Scalar(Scalar),
    Other(IgnoredAny),
}

impl Scalar {
    /// As a number; what says nothing is 0.
    fn number<T: TryFrom<u64> + TryFrom<i64> + FromStr>(self) -> Option<T> {
        match self {
            Self::Flag(flag) => T::try_from(u64::from(flag)).ok(),
            Self::Unsigned(number) => T::try_from(number).ok(),
            Self::Signed(number) => T::try_from(number).ok(),
            Self::Double(number) if number.fract() == 0.0 && number.abs() <= EXACT_DOUBLES => {
                T::try_from(number as i64).ok()
            }
            Self::Double(_) => None,
            Self::Text(text) if text.trim().is_empty() => T::try_from(0u64).ok(),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Absent(()) => T::try_from(0u64).ok(),
        }
    }

    fn text(self) -> String {
        match self {
            Self::Flag(flag) => flag.to_string(),
            Self::Unsigned(number) => number.to_string(),
            Self::Signed(number) => number.to_string(),
            Self::Double(number) => number.to_string(),
            Self::Text(text) => text,
            Self::Absent(()) => String::new(),
        }
    }

    fn is_said(&self) -> bool {
        match self {
            Self::Text(text) => !text.trim().is_empty(),
            Self::Absent(()) => false,
            _ => true,
        }
    }
}

/// A number, or its text; absent, null and empty are 0.
pub(crate) fn number<'de, D, T>(input: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64> + TryFrom<i64> + FromStr,
{
    let wrong = || D::Error::custom("not a number of the expected range");
    Scalar::deserialize(input)?.number().ok_or_else(wrong)
}

/// A number if it is one, of which nothing depends on its being there.
pub(crate) fn maybe_number<'de, D, T>(input: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64> + TryFrom<i64> + FromStr,
{
    Ok(match Loose::deserialize(input)? {
        Loose::Scalar(scalar) if scalar.is_said() => scalar.number(),
        _ => None,
    })
}

/// `true`, 1, `"1"`, `"true"`, and what is not that.
pub(crate) fn flag<'de, D: Deserializer<'de>>(input: D) -> Result<bool, D::Error> {
    let wrong = || D::Error::custom("neither true nor false");
    match Scalar::deserialize(input)? {
        Scalar::Text(word) if word.eq_ignore_ascii_case("true") => Ok(true),
        Scalar::Text(word) if word.eq_ignore_ascii_case("false") => Ok(false),
        scalar => scalar.number().map(|value: i64| value != 0).ok_or_else(wrong),
    }
}

/// A text; of a number its digits, of null nothing.
pub(crate) fn text<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    Scalar::deserialize(input).map(Scalar::text)
}

/// A text for people: whatever is none is as good as empty.
pub(crate) fn any_text<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    Ok(match Loose::deserialize(input)? {
        Loose::Scalar(scalar) => scalar.text(),
        Loose::Other(_) => String::new(),
    })
}

/// The id of a request, of which nothing depends on its being readable.
pub(crate) fn request_id<'de, D: Deserializer<'de>>(input: D) -> Result<Option<u64>, D::Error> {
    Ok(maybe_number(input)?.filter(|&id| id != 0))
}

/// An error code. What is there and no number is an error all the same.
pub(crate) fn fault<'de, D: Deserializer<'de>>(input: D) -> Result<Fault, D::Error> {
    Ok(match Loose::deserialize(input)? {
        Loose::Other(_) => Fault::Unreadable,
        Loose::Scalar(scalar) => match scalar.number() {
            Some(0) => Fault::None,
            Some(code) => Fault::Code(code),
            None => Fault::Unreadable,
        },
    })
}

/// A list; some services write null for one without elements.
pub(crate) fn list<'de, D, T>(input: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(input)?.unwrap_or_default())
}

/// An array of md5s, the text of such an array, or null (pcs-rest 2.3).
pub(crate) fn block_list<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Array(Vec<String>),
        Text(String),
        Absent(()),
    }
    match Form::deserialize(input)? {
        Form::Array(blocks) => Ok(blocks),
        Form::Text(json) if json.trim().is_empty() => Ok(Vec::new()),
        Form::Text(json) => serde_json::from_str(&json).map_err(D::Error::custom),
        Form::Absent(()) => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json};

    use super::{any_text, flag, maybe_number, number, text};

    #[test]
    fn every_spelling_of_a_number() {
        for (value, expected) in [
            (json!(7), Some(7)),
            (json!("7"), Some(7)),
            (json!(" 7 "), Some(7)),
            (json!(7.0), Some(7)),
            (json!(true), Some(1)),
            (json!(null), Some(0)),
            (json!(""), Some(0)),
            (json!(7.5), None),
            (json!(1e300), None),
            (json!(-1), None),
            (json!("seven"), None),
            (json!([7]), None),
            (json!({}), None),
        ] {
            assert_eq!(number::<Value, u64>(value.clone()).ok(), expected, "{value}");
            let said = expected.filter(|&number| number != 0);
            assert_eq!(maybe_number::<Value, u64>(value.clone()).unwrap(), said, "{value}");
        }
        let large = json!(18_446_744_073_709_551_615u64);
        assert_eq!(number::<Value, u64>(large).unwrap(), u64::MAX);
    }

    #[test]
    fn every_spelling_of_a_flag() {
        for (value, expected) in [
            (json!(1), Some(true)),
            (json!("0"), Some(false)),
            (json!("True"), Some(true)),
            (json!("false"), Some(false)),
            (json!(false), Some(false)),
            (json!(null), Some(false)),
            (json!("maybe"), None),
        ] {
            assert_eq!(flag(value.clone()).ok(), expected, "{value}");
        }
    }

    #[test]
    fn every_spelling_of_a_text() {
        assert_eq!(text(json!(12)).unwrap(), "12");
        assert_eq!(text(json!(null)).unwrap(), "");
        assert!(text(json!({"a": 1})).is_err());
        assert_eq!(any_text(json!({"a": 1})).unwrap(), "");
        assert!(from_value::<String>(json!(12)).is_err());
    }
}
