use http::Uri;
use http::uri::PathAndQuery;

/// What the server is called from outside, where that is not what a request
/// says, and which web page may use it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Site {
    public_url: Option<String>,
    web_origin: Option<String>,
}

/// The text is no URL of a site.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SiteError {
    /// See [`Site::with_public_url`].
    #[error(
        "`{0}` is no public URL: give http or https, a host and perhaps a path, as in https://pan.example.org"
    )]
    PublicUrl(String),
    /// See [`Site::with_web_origin`].
    #[error(
        "`{0}` is no web origin: give http or https and a host, without a path, as in https://photos.example.org"
    )]
    WebOrigin(String),
}

impl Site {
    /// Sets the URL that players reach the server at, such as that of a proxy
    /// in front of it. Without one it is what the request was sent to.
    ///
    /// # Errors
    /// [`SiteError::PublicUrl`] for what is no http URL, or has a query.
    pub fn with_public_url(self, url: &str) -> Result<Self, SiteError> {
        let refuse = || SiteError::PublicUrl(url.to_owned());
        let parsed = http_url(url).filter(|uri| uri.query().is_none()).ok_or_else(refuse)?;
        let path = parsed.path().trim_end_matches('/');
        let (scheme, host) = parts(&parsed).ok_or_else(refuse)?;
        Ok(Self { public_url: Some(format!("{scheme}://{host}{path}")), ..self })
    }

    /// Sets the origin of the web page that may fetch thumbnails and video.
    /// Without one no page of another origin may.
    ///
    /// # Errors
    /// [`SiteError::WebOrigin`] for what is no origin.
    pub fn with_web_origin(self, origin: &str) -> Result<Self, SiteError> {
        let refuse = || SiteError::WebOrigin(origin.to_owned());
        let parsed = http_url(origin).ok_or_else(refuse)?;
        let (scheme, host) = parts(&parsed).ok_or_else(refuse)?;
        // What browsers send has lower case and no default port.
        let host = host.to_ascii_lowercase();
        let default = if scheme == "https" { ":443" } else { ":80" };
        let host = host.strip_suffix(default).unwrap_or(&host);
        match parsed.path_and_query().map(PathAndQuery::as_str) {
            None | Some("" | "/") => {
                Ok(Self { web_origin: Some(format!("{scheme}://{host}")), ..self })
            }
            Some(_) => Err(refuse()),
        }
    }

    pub(crate) fn public_url(&self) -> Option<&str> {
        self.public_url.as_deref()
    }

    pub(crate) fn web_origin(&self) -> Option<&str> {
        self.web_origin.as_deref()
    }
}

fn http_url(text: &str) -> Option<Uri> {
    let uri: Uri = text.parse().ok()?;
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    (is_http && !text.contains(['@', '#'])).then_some(uri)
}

fn parts(uri: &Uri) -> Option<(&str, &str)> {
    Some((uri.scheme_str()?, uri.authority()?.as_str()))
}

#[cfg(test)]
mod tests {
    use super::Site;

    #[test]
    fn public_urls() {
        let url = |text| Site::default().with_public_url(text).ok().and_then(|it| it.public_url);
        assert_eq!(url("https://a.b/").as_deref(), Some("https://a.b"));
        assert_eq!(url("http://a.b:81/pan/").as_deref(), Some("http://a.b:81/pan"));
        for wrong in ["", "a.b", "/x", "ftp://a.b", "https://", "https://a.b/?q", "https://u@a.b"] {
            assert_eq!(url(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn web_origins() {
        let origin = |text| Site::default().with_web_origin(text).ok().and_then(|it| it.web_origin);
        assert_eq!(origin("https://A.b").as_deref(), Some("https://a.b"));
        assert_eq!(origin("https://a.b:443/").as_deref(), Some("https://a.b"));
        assert_eq!(origin("http://127.0.0.1:81").as_deref(), Some("http://127.0.0.1:81"));
        for wrong in ["*", "null", "a.b", "https://a.b/c", "https://a.b?q", "https://u@a.b"] {
            assert_eq!(origin(wrong), None, "{wrong}");
        }
    }
}
