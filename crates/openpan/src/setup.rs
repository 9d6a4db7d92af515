//! The first start: a user, a token, and what to try next.

use std::io::Write;

use anyhow::Result;
use pan_core::{Pan, TokenSpec};
use pan_model::{ByteSize, Md5Style, PanPath, PathRules};

/// The user that the first start makes.
const USER: &str = "admin";

/// Makes the first user and a token for a person's own files; `None` when
/// there are users already.
pub(crate) async fn first_token(pan: &Pan) -> Result<Option<String>> {
    if !pan.users().await?.is_empty() {
        return Ok(None);
    }
    pan.add_user(USER, ByteSize::UNLIMITED).await?;
    let spec = TokenSpec {
        user: USER.into(),
        root: PanPath::root(),
        rules: PathRules::Relaxed,
        md5_style: Md5Style::Plain,
        expires: None,
    };
    Ok(Some(pan.issue_token(spec).await?))
}

/// Says once how to begin.
pub(crate) fn announce(out: &mut impl Write, url: &str, token: &str) -> std::io::Result<()> {
    writeln!(out, "OpenPan is set up. This is shown once, keep the token:\n")?;
    writeln!(out, "  url       {url}")?;
    writeln!(out, "  user      {USER}")?;
    writeln!(out, "  token     {token}\n")?;
    writeln!(out, "Try next:\n")?;
    writeln!(out, "  pan --endpoint {url} --token {token} quota\n")
}
