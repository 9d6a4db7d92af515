//! Contents that are compared by their BLAKE3, and files that are asked about
//! before they are read (pcs-rest 4.26).

use pan_sdk::{ByteSize, Content, Error, Ondup, TransferOptions};

use crate::fake::{Act, Fake, Request, answer, json};
use crate::{ABC, ENTRY, path, refused};

const EXTENSIONS: &str =
    r#"{"extensions":{"digests":{"blake3":true,"sha3":{}},"rapidprobe":true}}"#;
const BLAKE3_OF_ABC: &str = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";
/// Of 262,145 times `a`.
const MD5_OF_FILE: &str = "0c98a26131b3826a3bd347b8cd65b0a2";
const MD5_OF_SLICE: &str = "c946b71bb69c07daf25470742c967e7c";
const SIZE: usize = 262_145;

/// Answers all but the question for extensions.
async fn fake(act: impl Fn(&Request) -> Act + Send + Sync + 'static) -> Fake {
    Fake::start(move |_, request| match request.is("extensions") {
        true => json(200, EXTENSIONS),
        false => act(request),
    })
    .await
}

fn blake3_of_file() -> String {
    blake3::hash(&[b'a'; SIZE]).to_string()
}

fn digests(blake3: &str, md5: &str) -> String {
    format!("X-OpenPan-Blake3: {blake3}\r\nX-OpenPan-Md5: {md5}\r\n")
}

fn other(hex: &str) -> String {
    format!("f{}", &hex[1..])
}

/// A block is what was sent by its BLAKE3, and by its md5 where somebody takes
/// the header off; its handle is what the reply says twice.
#[tokio::test]
async fn a_block_is_compared_by_what_the_reply_tells() {
    let reply = |md5: &str| format!(r#"{{"md5":"{md5}","request_id":1}}"#);
    let right = blake3_of_file();
    let [wrong_blake3, wrong_md5] = [other(&right), other(MD5_OF_FILE)];
    for (headers, md5, is_good) in [
        (digests(&right, MD5_OF_FILE), MD5_OF_FILE, true),
        (digests(&wrong_blake3, MD5_OF_FILE), MD5_OF_FILE, false),
        (digests(&right, MD5_OF_FILE), &wrong_md5, false),
        (String::new(), MD5_OF_FILE, true),
        (String::new(), &wrong_md5, false),
        (String::from("X-OpenPan-Blake3: none\r\n"), &wrong_md5, false),
    ] {
        let body = reply(md5);
        let told = headers.clone();
        let fake = fake(move |_| answer(200, &told, body.as_bytes())).await;
        let client = fake.builder().retry(pan_sdk::RetryPolicy::never()).build().unwrap();
        let uploaded = client.upload_tmpfile(Content::bytes(vec![b'a'; SIZE])).await;
        match uploaded {
            Ok(handle) => assert!(is_good && handle.to_string() == md5, "{headers} {md5}"),
            Err(error) => {
                assert!(!is_good, "{headers} {md5}: {error}");
                assert!(matches!(error, Error::Damaged { .. }), "{error:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_download_is_compared_by_the_blake3_of_its_headers() {
    let directory = tempfile::tempdir().unwrap();
    let [wrong_blake3, wrong_md5] = [other(BLAKE3_OF_ABC), other(ABC)];
    for (blake3, md5, is_good) in [
        (BLAKE3_OF_ABC, ABC, true),
        (&wrong_blake3, ABC, false),
        // One digest is enough, and this is the one.
        (BLAKE3_OF_ABC, &wrong_md5, true),
        ("none", &wrong_md5, false),
    ] {
        let headers = format!("X-OpenPan-Blake3: {blake3}\r\nContent-MD5: {md5}\r\n");
        let fake = Fake::start(move |_, request| match request.header("range").as_deref() {
            Some("bytes=0-1") => {
                answer(206, &format!("Content-Range: bytes 0-1/3\r\n{headers}"), b"ab")
            }
            Some("bytes=2-2") => {
                answer(206, &format!("Content-Range: bytes 2-2/3\r\n{headers}"), b"c")
            }
            _ => answer(200, &headers, b"abc"),
        })
        .await;
        let client = fake.client();
        let to = directory.path().join("copy");
        for threshold in [9, 2] {
            let mut options = TransferOptions::default();
            (options.threshold, options.part_size) = (ByteSize(threshold), ByteSize(2));
            let got = client.download_file(&path("/a"), &to, &options).await;
            assert_eq!(got.is_ok(), is_good, "{blake3} {md5} {threshold}: {got:?}");
            assert!(is_good || matches!(got, Err(Error::Damaged { .. })));
        }
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_known_is_read_once_and_announced() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), vec![b'a'; SIZE]).unwrap();
    for possible in [false, true] {
        let fake = fake(move |request| match () {
            () if request.is("rapidprobe") => {
                json(200, &format!(r#"{{"possible":{possible},"request_id":1}}"#))
            }
            () if request.is("rapidupload") => json(404, &refused(31079)),
            () => json(200, &ENTRY.replace(ABC, MD5_OF_FILE)),
        })
        .await;
        let (client, options) = (fake.client(), TransferOptions::default());
        client.upload_file(file.path(), &path("/a"), Ondup::Fail, &options).await.unwrap();
        let lines: Vec<_> = fake.requests().into_iter().map(|request| request.line).collect();
        assert!(lines[1].contains(&format!(
            "method=rapidprobe&content-length={SIZE}&slice-md5={MD5_OF_SLICE}&"
        )));
        assert_eq!(lines.len(), if possible { 4 } else { 3 }, "{lines:?}");
        let announced = match possible {
            true => format!("&content-md5={MD5_OF_FILE}"),
            false => format!("&content-blake3={}", blake3_of_file()),
        };
        assert!(lines.last().unwrap().contains(&announced), "{lines:?}");
    }
}
