//! A caller with a token: the calls of PCS as one-liners.
//!
//! Nothing here decides what a reply should be; that is the promise's part.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::bulk_body::{BulkItem, bulk_body};
use super::call::Call;
use super::digest::{crc32, md5_hex};
use super::reply::Reply;
use super::wire::{Answer, Connection};

/// A server may close a connection that has been idle for longer; a request is
/// never sent twice to find out.
const KEPT_FOR: Duration = Duration::from_secs(5);

/// Somebody with a token, on a connection that is kept alive.
#[derive(Debug)]
pub struct Client {
    address: String,
    token: String,
    kept: Mutex<Option<(Connection, Instant)>>,
}

impl Client {
    /// A caller at `host:port`.
    pub fn new(address: &str, token: &str) -> Self {
        Self { address: address.into(), token: token.into(), kept: Mutex::new(None) }
    }

    /// The token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A connection of its own.
    #[track_caller]
    pub fn connect(&self) -> Connection {
        Connection::open(&self.address).expect("the server listens")
    }

    /// A call on the object `file`.
    pub fn file(&self, method: &str) -> Call<'_> {
        Call::new(self, "file", method)
    }

    /// A call on any object.
    pub fn call(&self, object: &str, method: &str) -> Call<'_> {
        Call::new(self, object, method)
    }

    /// Sends a call and reads the whole reply.
    #[track_caller]
    pub fn send(&self, call: &Call<'_>) -> Reply {
        match self.try_send(call) {
            Ok(reply) => reply,
            Err(error) => panic!("no reply to {}: {error}", asked(&call.to_bytes())),
        }
    }

    /// Sends a call; an error means that the connection broke under it.
    ///
    /// # Errors
    /// Whatever the socket says.
    pub fn try_send(&self, call: &Call<'_>) -> std::io::Result<Reply> {
        let bytes = call.to_bytes();
        let answer = self.exchange(call.actual_verb(), &bytes)?;
        Ok(Reply { asked: asked(&bytes), answer })
    }

    fn exchange(&self, verb: &str, bytes: &[u8]) -> std::io::Result<Answer> {
        let kept = self.kept.lock().unwrap().take();
        let kept = kept.filter(|(_, used)| used.elapsed() < KEPT_FOR).map(|(kept, _)| kept);
        let mut connection = kept.map_or_else(|| Connection::open(&self.address), Ok)?;
        // A server may refuse before it has read the whole body.
        let sent = connection.send(bytes);
        let head = connection.read_head().map_err(|error| sent.err().unwrap_or(error))?;
        let body = connection.read_body(verb, &head)?;
        if !head.closes() {
            *self.kept.lock().unwrap() = Some((connection, Instant::now()));
        }
        Ok(Answer { head, body })
    }
}

/// The calls, by the names of the book.
impl Client {
    /// Uploads; a taken name is an error.
    #[track_caller]
    pub fn put(&self, path: &str, content: &[u8]) -> Reply {
        self.file("upload").param("path", path).content(content).send()
    }

    /// Uploads with `ondup`.
    #[track_caller]
    pub fn put_ondup(&self, path: &str, content: &[u8], ondup: &str) -> Reply {
        self.file("upload").param("path", path).param("ondup", ondup).content(content).send()
    }

    /// Uploads by digests alone: more than 256 KiB.
    #[track_caller]
    pub fn rapid(&self, path: &str, content: &[u8]) -> Reply {
        let call = self.file("rapidupload").param("path", path);
        let call = call.param("content-length", content.len().to_string());
        let call = call.param("content-md5", md5_hex(content));
        let call = call.param("slice-md5", md5_hex(&content[..256 << 10]));
        call.param("content-crc32", format!("{:#x}", crc32(content))).send()
    }

    /// Uploads many files in one request.
    #[track_caller]
    pub fn bulk(&self, items: &[BulkItem]) -> Reply {
        self.bulk_call(bulk_body(items)).send()
    }

    /// A bulk upload with this body.
    pub fn bulk_call(&self, body: Vec<u8>) -> Call<'_> {
        self.file("bulkupload").body_of("application/x-openpan-bulk", body)
    }

    /// Uploads a block and returns its md5.
    #[track_caller]
    pub fn put_block(&self, content: &[u8]) -> String {
        let reply = self.file("upload").param("type", "tmpfile").content(content).send().ok();
        reply["md5"].as_str().expect("a block has an md5").to_owned()
    }

    /// Merges blocks.
    #[track_caller]
    pub fn merge(&self, path: &str, blocks: &[String]) -> Reply {
        self.merge_ondup(path, blocks, "")
    }

    /// Merges blocks with `ondup`.
    #[track_caller]
    pub fn merge_ondup(&self, path: &str, blocks: &[String], ondup: &str) -> Reply {
        let param = json!({ "block_list": blocks }).to_string();
        let call = self.file("createsuperfile").by(super::Carrier::PostForm);
        call.param("path", path).param("ondup", ondup).param("param", param).send()
    }

    /// Downloads.
    #[track_caller]
    pub fn get(&self, path: &str) -> Reply {
        self.file("download").param("path", path).get().send()
    }

    /// Downloads with a `Range`.
    #[track_caller]
    pub fn get_range(&self, path: &str, range: &str) -> Reply {
        self.file("download").param("path", path).get().field("Range", range).send()
    }

    /// Makes a directory.
    #[track_caller]
    pub fn mkdir(&self, path: &str) -> Reply {
        self.file("mkdir").param("path", path).send()
    }

    /// The meta of one path.
    #[track_caller]
    pub fn meta(&self, path: &str) -> Reply {
        self.file("meta").param("path", path).get().send()
    }

    /// The listing of a directory, by name, ascending.
    #[track_caller]
    pub fn list(&self, path: &str) -> Reply {
        let call = self.file("list").param("path", path).get();
        call.param("by", "name").param("order", "asc").send()
    }

    /// Moves one entry.
    #[track_caller]
    pub fn mv(&self, from: &str, to: &str) -> Reply {
        self.file("move").param("from", from).param("to", to).send()
    }

    /// Copies one entry.
    #[track_caller]
    pub fn cp(&self, from: &str, to: &str) -> Reply {
        self.file("copy").param("from", from).param("to", to).send()
    }

    /// Deletes one entry.
    #[track_caller]
    pub fn rm(&self, path: &str) -> Reply {
        self.file("delete").param("path", path).send()
    }

    /// The recycle bin, the latest deletion first.
    #[track_caller]
    pub fn bin(&self) -> Vec<Value> {
        let reply = self.file("listrecycle").get().send().ok();
        reply["list"].as_array().expect("a listing has a list").clone()
    }

    /// Restores one entry.
    #[track_caller]
    pub fn restore(&self, fs_id: &Value) -> Reply {
        self.file("restore").param("fs_id", fs_id.to_string()).send()
    }

    /// Empties the recycle bin.
    #[track_caller]
    pub fn empty_bin(&self) -> Reply {
        self.file("delete").param("type", "recycle").send()
    }

    /// A batch.
    #[track_caller]
    pub fn batch(&self, method: &str, list: &Value) -> Reply {
        let param = json!({ "list": list }).to_string();
        self.file(method).by(super::Carrier::PostForm).param("param", param).send()
    }

    /// The quota's two numbers: total and used.
    #[track_caller]
    pub fn quota(&self) -> (u64, u64) {
        let reply = self.call("quota", "info").get().send().ok();
        let number = |name: &str| reply[name].as_u64().expect("quota and used are numbers (4.1)");
        (number("quota"), number("used"))
    }

    /// The names in a directory, by name.
    #[track_caller]
    pub fn names(&self, path: &str) -> Vec<String> {
        let list = self.list(path).ok();
        let entries = list["list"].as_array().expect("a listing has a list").iter();
        entries.map(|entry| name_of(entry).to_owned()).collect()
    }

    /// The one entry of `meta`.
    #[track_caller]
    pub fn entry(&self, path: &str) -> Value {
        let meta = self.meta(path).ok();
        let list = meta["list"].as_array().expect("meta has a list");
        assert_eq!(list.len(), 1, "meta of one path is a list of one entry (4.7)");
        list[0].clone()
    }

    /// Nothing lives at this path.
    #[track_caller]
    pub fn is_missing(&self, path: &str) {
        self.meta(path).refused(404, 31066);
    }
}

/// The last name of an entry's path.
pub fn name_of(entry: &Value) -> &str {
    let path = entry["path"].as_str().expect("an entry has a path");
    path.rsplit('/').next().unwrap_or_default()
}

/// The request line, for messages.
fn asked(bytes: &[u8]) -> String {
    let line = bytes.split(|&byte| byte == b'\r').next().unwrap_or_default();
    String::from_utf8_lossy(line).into_owned()
}
