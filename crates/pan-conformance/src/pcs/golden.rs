//! The format of the golden files: request/reply pairs as a person writes them.
//!
//! ```text
//! === 4.6 a directory is made once
//! file mkdir path={d}/music
//! 200 {"path": "{d}/music", "fs_id": "<id:music>", "ctime": "<time>"}
//!
//! file mkdir path={d}/music
//! 400 31061
//! ```
//!
//! A story begins with `===`, its section and a title. A step is a request
//! line, the status with a JSON pattern (see `pattern`), an error code or
//! `= text` for raw bytes, and header fields as they should come. In the
//! request, `name=value` is a parameter, `<text` the content, `@Name=value` a
//! header field, `+path=text` an item of a bulk upload and `+path:ondup=text`
//! one with `ondup`; `<300000*x` is 300,000 times `x`; blanks are kept between `'…'`, and `\n` ends a line in bytes.
//! `{d}` is a fresh directory, `<=hello>` what `<id:hello>` was, as text.

use serde_json::Value;

/// A sequence of steps in one fresh directory.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) title: String,
    pub(super) steps: Vec<Step>,
}

/// A request and what must come back.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// Where it stands in its file.
    pub(super) line: usize,
    pub(super) object: String,
    pub(super) method: String,
    pub(super) params: Vec<(String, String)>,
    pub(super) content: Option<String>,
    /// Path, `ondup` and content of the items of a bulk upload.
    pub(super) items: Vec<(String, Option<String>, String)>,
    pub(super) fields: Vec<(String, String)>,
    pub(super) status: u16,
    pub(super) expected: Expected,
    /// Header fields of the reply.
    pub(super) reply_fields: Vec<(String, String)>,
}

/// The body that a step expects.
#[derive(Debug, Default)]
pub(super) enum Expected {
    /// No matter.
    #[default]
    Anything,
    /// JSON of this pattern, and no error.
    Success(Value),
    /// An error body with this code, and more of this pattern.
    Error(u64, Value),
    /// These bytes.
    Raw(String),
}

/// Reads a golden file; `{d}` becomes `directory` + the number of the story.
pub(super) fn parse(text: &str, directory: &str) -> Vec<Story> {
    let mut stories: Vec<Story> = Vec::new();
    let mut lines = text.lines().enumerate().map(|(i, line)| (i + 1, line)).peekable();
    while let Some((number, line)) = lines.next() {
        if let Some(title) = line.strip_prefix("=== ") {
            stories.push(Story { title: title.into(), steps: Vec::new() });
        } else if !line.trim().is_empty() && !line.starts_with('#') {
            let mut block = vec![line];
            while let Some((_, line)) = lines.next_if(|(_, line)| !line.trim().is_empty()) {
                block.push(line);
            }
            let root = format!("{directory}/{}", stories.len());
            let story = stories.last_mut().expect("a story begins with `===`");
            let block: Vec<_> = block.iter().map(|line| line.replace("{d}", &root)).collect();
            story.steps.push(parse_step(number, &block));
        }
    }
    stories
}

fn parse_step(line: usize, block: &[String]) -> Step {
    let mut step = Step { line, ..Step::default() };
    parse_request(&mut step, &block[0]);
    let mut reply = block[1..].to_vec();
    // JSON may go over several lines: join them until it is whole.
    while reply.len() > 1 && !is_whole(&reply[0]) {
        let next = reply.remove(1);
        reply[0].push_str(&next);
    }
    parse_reply(&mut step, &reply[0]);
    for field in &reply[1..] {
        let (name, value) = field.split_once(": ").unwrap_or_else(|| bad(line, field));
        step.reply_fields.push((name.into(), value.into()));
    }
    step
}

fn parse_request(step: &mut Step, line: &str) {
    let mut words = words(line).into_iter();
    step.object = words.next().unwrap_or_default();
    step.method = words.next().unwrap_or_default();
    for word in words {
        if let Some(content) = word.strip_prefix('<') {
            step.content = Some(parse_content(content));
            continue;
        }
        if let Some(item) = word.strip_prefix('+') {
            let (place, content) = item.split_once('=').unwrap_or_else(|| bad(step.line, &word));
            let (path, ondup) = match place.split_once(':') {
                Some((path, ondup)) => (path, Some(ondup.to_owned())),
                None => (place, None),
            };
            step.items.push((path.into(), ondup, parse_content(content)));
            continue;
        }
        let pair = word.strip_prefix('@').unwrap_or(&word).split_once('=');
        let (name, value) = pair.unwrap_or_else(|| bad(step.line, &word));
        let into = if word.starts_with('@') { &mut step.fields } else { &mut step.params };
        into.push((name.into(), value.into()));
    }
}

/// Text as it is written, or so many times a text: `300000*x`.
fn parse_content(text: &str) -> String {
    let repeated = text.split_once('*').and_then(|(count, text)| Some((count.parse().ok()?, text)));
    let content = repeated.map_or_else(|| text.to_owned(), |(count, text)| text.repeat(count));
    content.replace("\\n", "\n")
}

fn parse_reply(step: &mut Step, line: &str) {
    let (status, rest) = line.split_once(' ').unwrap_or((line, ""));
    step.status = status.parse().unwrap_or_else(|_| bad(step.line, line));
    let json = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| bad(step.line, text));
    step.expected = match rest.split_once(' ').unwrap_or((rest, "")) {
        ("", _) => Expected::Anything,
        ("=", raw) => Expected::Raw(raw.replace("\\n", "\n")),
        (code, more) if code.parse::<u64>().is_ok() => {
            let more = if more.is_empty() { Value::Object(Default::default()) } else { json(more) };
            Expected::Error(code.parse().unwrap(), more)
        }
        _ => Expected::Success(json(rest)),
    };
}

fn is_whole(reply: &str) -> bool {
    let Some(start) = reply.find('{') else { return true };
    let is_raw = reply.get(3..5) == Some(" =");
    is_raw || serde_json::from_str::<Value>(&reply[start..]).is_ok()
}

/// Words between blanks; `'…'` keeps blanks and is taken off.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for c in line.chars() {
        match c {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            _ => words.last_mut().expect("there is a word").push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn bad<T>(line: usize, text: &str) -> T {
    panic!("golden file, step at line {line}: cannot read `{text}`")
}

#[cfg(test)]
mod tests {
    use super::{Expected, parse};

    #[test]
    fn a_story_is_read() {
        let text = "# note\n=== 1 title\nfile upload path='{d}/a b' @Range=bytes=0-1 <'x y'\n\
                    200 {\"a\":\n  1}\netag: \"x\"\n\nfile list path={d}\n404 31066\n";
        let stories = parse(text, "/r");
        let steps = &stories[0].steps;
        assert_eq!(steps[0].params, [("path".to_owned(), "/r/1/a b".to_owned())]);
        assert_eq!(steps[0].content.as_deref(), Some("x y"));
        assert_eq!(steps[0].fields[0].1, "bytes=0-1");
        assert!(matches!(&steps[0].expected, Expected::Success(json) if json["a"] == 1));
        assert_eq!(steps[0].reply_fields[0].0, "etag");
        assert!(matches!(steps[1].expected, Expected::Error(31066, _)));
        assert_eq!(steps[1].line, 8);
    }
}
