//! What nothing confined may reach: files that everybody may read, and listeners
//! on every address of this machine.

use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;

/// What the canary files are full of.
pub(crate) const SONG: &[u8] = b"canary-7f3a9c51";

pub(crate) struct Canary {
    /// One listener for all addresses.
    listener: TcpListener,
    /// A directory as that of the server's data, open to everybody.
    directory: TempDir,
}

impl Canary {
    pub(crate) fn put() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let directory = TempDir::new().unwrap();
        let canary = Self { listener, directory };
        canary.set_mode(&canary.directory.path().into(), 0o777);
        canary.write("song.txt", &SONG.repeat(100));
        canary.write("song.wav", &sound());
        canary
    }

    /// Writes a file that everybody may read and write.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let file = self.directory.path().join(name);
        fs::write(&file, content).unwrap();
        self.set_mode(&file, 0o666);
        file
    }

    fn set_mode(&self, path: &PathBuf, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.directory.path().join("song.txt")
    }

    pub(crate) fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// A file that ffmpeg can play, and whose samples are the song.
    pub(crate) fn sound(&self) -> PathBuf {
        self.directory.path().join("song.wav")
    }

    /// Addresses where somebody would be heard.
    pub(crate) fn urls(&self) -> Vec<String> {
        let (addresses, port) = (self.addresses(), self.port());
        addresses.iter().map(|address| format!("http://{address}:{port}/song.wav")).collect()
    }

    /// The addresses on which it listens: the loopback, and that by which this
    /// machine would reach others.
    pub(crate) fn addresses(&self) -> Vec<IpAddr> {
        let mut addresses = vec![IpAddr::from(Ipv4Addr::LOCALHOST)];
        // Nothing is sent: the kernel only chooses an address.
        let probe = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        if probe.connect(SocketAddr::from(([192, 0, 2, 1], 9))).is_ok() {
            addresses.push(probe.local_addr().unwrap().ip());
        }
        addresses
    }

    /// The arguments of `probe.py`.
    pub(crate) fn words(&self) -> Vec<String> {
        let parent = std::process::id();
        let (readable, writable) = (self.file(), self.directory.path().join("new"));
        let mut words = vec![
            self.port().to_string(),
            parent.to_string(),
            readable.display().to_string(),
            writable.display().to_string(),
        ];
        words.extend(self.addresses().iter().map(ToString::to_string));
        words
    }

    /// How often somebody connected since this was asked last. The kernel
    /// answers for a listener: whoever came before now is counted now.
    pub(crate) fn calls(&self) -> usize {
        let mut calls = 0;
        loop {
            match self.listener.accept() {
                Ok(_) => calls += 1,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return calls,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Hangs up on whoever connects before something ends; says how often.
    pub(crate) async fn hang_up_until<T>(&self, end: impl Future<Output = T>) -> (usize, T) {
        let listener = self.listener.try_clone().unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let mut end = std::pin::pin!(end);
        let mut calls = 0;
        loop {
            tokio::select! {
                _ = listener.accept() => calls += 1,
                outcome = &mut end => return (calls, outcome),
            }
        }
    }

    /// How often its song is in an output.
    pub(crate) fn bytes_in(&self, output: &[u8]) -> usize {
        output.windows(SONG.len()).filter(|window| *window == SONG).count()
    }

    /// Nobody connected, and nothing was written.
    pub(crate) fn assert_unseen(&self) {
        assert_eq!(self.calls(), 0, "somebody reached the listener");
        assert_eq!(fs::read(self.file()).unwrap(), SONG.repeat(100));
    }
}

/// Sound of 8 kHz, one channel, 16 bits.
fn sound() -> Vec<u8> {
    let samples = SONG.repeat(4000);
    let length = |extra: usize| u32::try_from(samples.len() + extra).unwrap().to_le_bytes();
    let format = [16, 0, 0, 0, 1, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x80, 0x3e, 0, 0, 2, 0, 16, 0];
    let head = [b"RIFF", &length(36)[..], b"WAVEfmt ", &format, b"data", &length(0)].concat();
    [head, samples].concat()
}
