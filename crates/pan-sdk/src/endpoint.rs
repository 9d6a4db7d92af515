//! Where the service is: one URL, or Baidu's hosts (pcs-rest 1.3).

use std::borrow::Cow;

use pan_pcs::Object;
use reqwest::Url;

use crate::Error;

/// Where calls go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    api: Cow<'static, str>,
    upload: Cow<'static, str>,
    download: Cow<'static, str>,
    oauth: Cow<'static, str>,
    service: Service,
}

/// Whose service it is: they differ in what an md5 in a reply means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    OpenPan,
    Baidu,
}

/// Which of the hosts a call is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Host {
    /// Everything without a body.
    Api,
    /// `upload` and `upload&type=tmpfile`.
    Upload,
    /// `download`.
    Download,
}

impl Endpoint {
    /// Baidu's own service: `pcs`, `c.pcs` for uploads, `d.pcs` for downloads
    /// and `openapi` for tokens.
    pub fn baidu() -> Self {
        Self {
            api: "https://pcs.baidu.com".into(),
            upload: "https://c.pcs.baidu.com".into(),
            download: "https://d.pcs.baidu.com".into(),
            oauth: "https://openapi.baidu.com".into(),
            service: Service::Baidu,
        }
    }

    /// One server for everything, such as `https://pan.example.org`. It may
    /// live below a path: `https://example.org/pan`.
    ///
    /// # Errors
    /// [`Error::Input`] when the text is not an http or https URL, or carries
    /// a user, a query or a fragment.
    pub fn single(url: &str) -> Result<Self, Error> {
        let wrong = |why: &str| Error::Input(format!("`{}` is no endpoint: {why}", shown(url)));
        let parsed = Url::parse(url.trim()).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
            return Err(wrong("it must begin with http:// or https://"));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(wrong("it must not contain a user or a password"));
        }
        if parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(wrong("it must not contain `?` or `#`"));
        }
        let base: Cow<'static, str> = parsed.as_str().trim_end_matches('/').to_owned().into();
        let service = Service::OpenPan;
        let (api, upload, download) = (base.clone(), base.clone(), base.clone());
        Ok(Self { api, upload, download, oauth: base, service })
    }

    /// The URL that names this endpoint to people.
    pub fn as_str(&self) -> &str {
        &self.api
    }

    /// Whether the md5 of a merged file is that of its bytes. At Baidu it is
    /// not (pcs-rest 9.2).
    pub fn has_true_superfile_md5(&self) -> bool {
        self.service == Service::OpenPan
    }

    /// The address of the token service (pcs-rest 7.2).
    pub(crate) fn token_url(&self) -> String {
        format!("{}/oauth/2.0/token", self.oauth)
    }

    /// The address of an object, without a query.
    pub(crate) fn object_url(&self, host: Host, object: Object) -> String {
        let base = match host {
            Host::Api => &self.api,
            Host::Upload => &self.upload,
            Host::Download => &self.download,
        };
        format!("{base}/rest/2.0/pcs/{}", object.as_str())
    }
}

/// The host of a URL, with its port when it is not the usual one.
pub(crate) fn host_of_url(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

/// The URL as an error may show it: a query could hold a token, a user part a password.
fn shown(url: &str) -> &str {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    if url[..end].contains('@') { "…" } else { &url[..end] }
}

#[cfg(test)]
mod tests {
    use pan_pcs::Object;

    use super::{Endpoint, Host};

    #[test]
    fn one_server_may_live_below_a_path() {
        for (url, expected) in [
            ("http://127.0.0.1:8800", "http://127.0.0.1:8800/rest/2.0/pcs/file"),
            ("https://pan.example.org/", "https://pan.example.org/rest/2.0/pcs/file"),
            ("https://example.org/my/pan//", "https://example.org/my/pan/rest/2.0/pcs/file"),
            (" http://[::1]:80 ", "http://[::1]/rest/2.0/pcs/file"),
        ] {
            let endpoint = Endpoint::single(url).unwrap();
            assert_eq!(endpoint.object_url(Host::Upload, Object::File), expected);
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused_without_showing_secrets() {
        for url in [
            "",
            "pan.example.org",
            "localhost:8800",
            "ftp://x",
            "http://",
            "http://me:secret@x",
            "http://x/?access_token=secret",
            "http://x/#secret",
        ] {
            let error = Endpoint::single(url).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn baidu_has_three_hosts() {
        let baidu = Endpoint::baidu();
        assert_eq!(
            baidu.object_url(Host::Download, Object::File),
            "https://d.pcs.baidu.com/rest/2.0/pcs/file"
        );
        assert_eq!(
            baidu.object_url(Host::Api, Object::Quota),
            "https://pcs.baidu.com/rest/2.0/pcs/quota"
        );
        assert!(!baidu.has_true_superfile_md5());
    }
}
