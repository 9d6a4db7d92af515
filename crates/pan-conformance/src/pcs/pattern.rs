//! Patterns: JSON in which a text such as `"<id:a>"` stands for any fit value.
//!
//! An object matches when the members of the pattern match; a reply may have
//! more (pcs-rest 2.3: extra fields harm nobody). A list matches element by
//! element, and has exactly as many.

use std::collections::HashMap;
use std::time::SystemTime;

use serde_json::Value;

/// What names in placeholders stand for, once seen.
#[derive(Debug, Default)]
pub(super) struct Bindings(HashMap<String, Value>);

impl Bindings {
    /// Checks a value against a pattern.
    ///
    /// # Errors
    /// Says where they differ.
    pub(super) fn check(&mut self, pattern: &Value, value: &Value) -> Result<(), String> {
        self.check_at("$", pattern, value)
    }

    /// Puts what names stand for into a text: `<=a>` becomes what `a` is.
    pub(super) fn fill(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for name in self.0.keys() {
            filled = filled.replace(&format!("<={name}>"), &self.text_of(name));
        }
        filled
    }

    fn text_of(&self, name: &str) -> String {
        match self.0.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => format!("nothing is called `{name}` yet"),
        }
    }

    fn check_at(&mut self, at: &str, pattern: &Value, value: &Value) -> Result<(), String> {
        match pattern {
            Value::String(text) if is_placeholder(text) => {
                self.check_placeholder(at, &text[1..text.len() - 1], value)
            }
            Value::Object(members) => {
                for (name, member) in members {
                    let at = format!("{at}.{name}");
                    let found = value.get(name);
                    match (member.as_str(), found) {
                        (Some("<absent>"), None) => {}
                        (Some("<absent>"), Some(found)) => {
                            return Err(format!("{at} should not be there, but is {found}"));
                        }
                        (_, None) => return Err(format!("{at} is missing")),
                        (_, Some(found)) => self.check_at(&at, member, found)?,
                    }
                }
                Ok(())
            }
            Value::Array(items) => {
                let found = value.as_array().ok_or(format!("{at} should be a list: {value}"))?;
                if items.len() != found.len() {
                    return Err(format!("{at} should have {} items: {value}", items.len()));
                }
                let mut pairs = items.iter().zip(found).enumerate();
                pairs.try_for_each(|(i, (item, found))| {
                    self.check_at(&format!("{at}[{i}]"), item, found)
                })
            }
            _ if pattern == value => Ok(()),
            _ => Err(format!("{at} should be {pattern}, but is {value}")),
        }
    }

    fn check_placeholder(&mut self, at: &str, inner: &str, value: &Value) -> Result<(), String> {
        if let Some(name) = inner.strip_prefix('=') {
            return self.check_at(at, &Value::String(self.text_of(name)), value);
        }
        let (kind, name) = inner.split_once(':').unwrap_or((inner, ""));
        let fits = match kind {
            "any" => true,
            // pcs-rest 2.1, 2.2: 1 … 2^53 − 1.
            "id" => value.as_u64().is_some_and(|id| (1..1 << 53).contains(&id)),
            "time" => value.as_u64().is_some_and(|time| time.abs_diff(now()) < 300),
            "number" => value.is_u64(),
            "text" => value.as_str().is_some_and(|text| !text.is_empty()),
            _ => return Err(format!("{at}: `<{inner}>` is no placeholder")),
        };
        if !fits {
            return Err(format!("{at} should be a fit <{kind}>, but is {value}"));
        }
        if name.is_empty() {
            return Ok(());
        }
        let bound = self.0.entry(name.to_owned()).or_insert_with(|| value.clone());
        if bound == value {
            Ok(())
        } else {
            Err(format!("{at} should be {bound} as `{name}` was before, but is {value}"))
        }
    }
}

fn is_placeholder(text: &str) -> bool {
    text.len() > 2 && text.starts_with('<') && text.ends_with('>')
}

/// Unix seconds.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.expect("the clock is past 1970").as_secs()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Bindings;

    #[test]
    fn patterns_refuse_what_they_should() {
        let mut names = Bindings::default();
        assert!(names.check(&json!({"a": "<id:x>"}), &json!({"a": 7, "b": 1})).is_ok());
        assert!(names.check(&json!({"a": "<=x>"}), &json!({"a": "7"})).is_ok());
        assert_eq!(names.fill("fs_id:<=x>"), "fs_id:7");
        for (pattern, value) in [
            (json!({"a": "<=x>"}), json!({"a": 7})),
            (json!({"a": "<id:x>"}), json!({"a": 8})),
            (json!({"a": "<id>"}), json!({"a": 0})),
            (json!({"a": "<id>"}), json!({"a": "7"})),
            (json!({"a": "<absent>"}), json!({"a": null})),
            (json!({"a": 1}), json!({})),
            (json!([1]), json!([1, 2])),
            (json!("<time>"), json!(12)),
            (json!("<nonsense>"), json!(12)),
        ] {
            assert!(names.check(&pattern, &value).is_err(), "{pattern} matched {value}");
        }
    }
}
