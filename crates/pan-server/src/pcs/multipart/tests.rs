use bytes::Bytes;
use pan_core::BodyError;

use super::{Claim, Multipart, Part, parameter, parse_head, partial_suffix};
use crate::body::RequestBody;

const TYPE: &str = "multipart/form-data; boundary=B";
const BODY: &[u8] = b"--B\r\n\
    Content-Disposition: form-data; name=\"path\"\r\n\r\n\
    /a\r\n\
    --B\r\n\
    Content-Disposition: form-data; name=\"file\"; filename=\"\"\r\n\r\n\
    one\r\n--\r\n--A\r\r\n\r\n--B \t\r\n\
    Content-Disposition: form-data; name=\"ondup\"\r\n\r\n\
    \r\n--B--\r\nepilogue";

/// Every part with its content.
async fn read_all(pieces: Vec<Bytes>) -> Result<Vec<(String, Vec<u8>)>, BodyError> {
    let mut multipart = Multipart::new(TYPE, RequestBody::of_pieces(pieces));
    let mut parts = Vec::new();
    while let Some(part) = multipart.next_part().await? {
        parts.push((part.name, multipart.read_text().await?));
    }
    Ok(parts)
}

fn wanted() -> Vec<(String, Vec<u8>)> {
    let part = |name: &str, content: &[u8]| (name.to_owned(), content.to_vec());
    vec![part("path", b"/a"), part("file", b"one\r\n--\r\n--A\r\r\n"), part("ondup", b"")]
}

#[tokio::test]
async fn a_body_may_be_cut_anywhere() {
    for cut in 1..BODY.len() {
        let (left, right) = BODY.split_at(cut);
        let pieces = vec![Bytes::from_static(left), Bytes::from_static(right)];
        assert_eq!(read_all(pieces).await.unwrap(), wanted(), "cut at {cut}");
    }
    let bytes = BODY.chunks(1).map(Bytes::from_static).collect();
    assert_eq!(read_all(bytes).await.unwrap(), wanted(), "byte by byte");
}

#[tokio::test]
async fn a_body_that_ends_too_soon_is_no_body() {
    let end = BODY.len() - b"--\r\nepilogue".len();
    for length in 0..=end {
        let read = read_all(vec![Bytes::from_static(&BODY[..length])]).await;
        assert!(matches!(read, Err(BodyError::Malformed(_))), "{length} bytes: {read:?}");
    }
}

#[test]
fn heads_of_real_clients() {
    let part = |head: &str| parse_head(head.as_bytes()).unwrap();
    let file = part(
        "Content-Disposition: form-data; name=\"file\"; filename=\"file\"\r\n\
         Content-Type: application/octet-stream",
    );
    assert_eq!(file.claim(), Some(Claim::File));
    let go = part("content-disposition: form-data; name=\"uploadedfile\"; filename=\"\"");
    assert_eq!((go.name.as_str(), go.claim()), ("uploadedfile", Some(Claim::Filename)));
    let text = part("Content-Disposition: form-data; name=param");
    assert!(text.is_text());
    let odd = part("Content-Disposition: form-data; filename=\"a;name=\\\"x.txt\"; name=\"files\"");
    assert_eq!(odd, Part { name: "files".into(), has_filename: true });
    assert!(parse_head(b"Content-Type: text/plain").is_err());
    assert!(parse_head(b"Content-Disposition: form-data").is_err());
}

#[test]
fn boundaries() {
    let boundary = |kind| parameter(kind, "boundary");
    assert_eq!(boundary("multipart/form-data; boundary=B"), Some("B".into()));
    let quoted = "multipart/form-data; charset=x; Boundary=\"a b\"";
    assert_eq!(boundary(quoted), Some("a b".into()));
    assert_eq!(boundary("multipart/form-data"), None);
}

#[test]
fn the_beginning_of_a_boundary_is_kept_back() {
    let delimiter = b"\r\n--B";
    assert_eq!(partial_suffix(b"abc", delimiter), 0);
    assert_eq!(partial_suffix(b"abc\r", delimiter), 1);
    assert_eq!(partial_suffix(b"abc\r\n--", delimiter), 4);
    assert_eq!(partial_suffix(b"\r\r\n", delimiter), 2);
    assert_eq!(partial_suffix(b"", delimiter), 0);
}
