//! The servers of one group of measures: OpenPan and the peers that are installed, each
//! in a fresh directory.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::target::{Dialect, Target};
use crate::children::Guarded;
use crate::server::Server;
use crate::workspace::{self, find_program};

/// Servers side by side.
pub(crate) struct Site {
    /// OpenPan's process.
    pub(crate) server: Server,
    /// OpenPan first, then the peers.
    pub(crate) targets: Vec<Target>,
    /// The folders that the peers serve.
    pub(crate) peer_roots: Vec<PathBuf>,
    _peers: Vec<Guarded>,
}

impl Site {
    /// Starts OpenPan and every peer that is installed, below `dir`.
    pub(crate) fn start(dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir)?;
        let server = Server::start(&dir.join("openpan"))?;
        let mut site = Self {
            targets: vec![openpan(&server)],
            server,
            peer_roots: Vec::new(),
            _peers: Vec::new(),
        };
        site.add_peer(dir, "nginx", "", nginx)?;
        site.add_peer(dir, "dufs", "?json", dufs)?;
        Ok(site)
    }

    /// OpenPan.
    pub(crate) fn openpan(&self) -> &Target {
        &self.targets[0]
    }

    fn add_peer(
        &mut self,
        dir: &Path,
        name: &'static str,
        list_query: &'static str,
        command: fn(&Path, &Path, SocketAddr) -> Result<Command>,
    ) -> Result<()> {
        let Some(program) = find_program(name) else { return Ok(()) };
        let dir = dir.join(name);
        let root = dir.join("root");
        fs::create_dir_all(&root)?;
        let address = free_address()?;
        let log = File::create(dir.join("log"))?;
        let mut command = command(&program, &dir, address)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self._peers.push(Guarded::spawn(&mut command)?);
        wait_until_it_listens(name, address)?;
        self.targets.push(Target { name, address, dialect: Dialect::Plain { list_query } });
        self.peer_roots.push(root);
        Ok(())
    }
}

/// A started server as a target.
pub(crate) fn openpan(server: &Server) -> Target {
    let dialect = Dialect::Pcs { token: server.token.clone() };
    Target { name: "openpan", address: server.address, dialect }
}

/// The module that makes nginx a WebDAV server that rclone can talk to
/// (`apt-get install libnginx-mod-http-dav-ext`).
const DAV_EXT: &str = "/usr/lib/nginx/modules/ngx_http_dav_ext_module.so";

/// Whether nginx is started with all that WebDAV clients ask for.
pub(crate) fn nginx_speaks_dav() -> bool {
    Path::new(DAV_EXT).is_file()
}

/// nginx as it comes, with the WebDAV methods that it needs to take files.
fn nginx(program: &Path, dir: &Path, address: SocketAddr) -> Result<Command> {
    let home = dir.display();
    // Without this line the workers of a root's nginx may not write into our directory.
    let user = if workspace::is_root() { "user root;" } else { "" };
    let [load, methods] = match nginx_speaks_dav() {
        true => [&*format!("load_module {DAV_EXT};"), "dav_ext_methods PROPFIND OPTIONS;"],
        false => ["", ""],
    };
    let config = dir.join("nginx.conf");
    fs::write(
        &config,
        format!(
            "{load}
{user}
daemon off;
worker_processes 2;
pid {home}/pid;
error_log {home}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    server {{
        listen {address};
        root {home}/root;
        autoindex on;
        autoindex_format json;
        dav_methods PUT DELETE MKCOL;
        {methods}
        create_full_put_path on;
    }}
}}
"
        ),
    )?;
    let mut command = Command::new(program);
    command.arg("-p").arg(dir).arg("-c").arg(config).args(["-e", "stderr"]);
    Ok(command)
}

fn dufs(program: &Path, dir: &Path, address: SocketAddr) -> Result<Command> {
    let mut command = Command::new(program);
    command
        .args(["--allow-all", "--bind", &address.ip().to_string()])
        .args(["--port", &address.port().to_string()])
        .arg(dir.join("root"));
    Ok(command)
}

/// A port that was free a moment ago, for programs that cannot pick one themselves.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Waits for the listener of a program that has just been started.
pub(crate) fn wait_until_it_listens(name: &str, address: SocketAddr) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(address).is_err() {
        ensure!(Instant::now() < deadline, "{name} does not listen on {address}");
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
