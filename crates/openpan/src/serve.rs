//! `openpan serve`: from a data directory to a server, and its end.

use std::io::Write;

use anyhow::{Context, Result, bail};
use pan_core::run_workers;
use pan_server::admin::ControlSocket;
use pan_server::{Listener, Server};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::config::Config;
use crate::data_dir::DataDir;
use crate::{open, setup, system, tls};

/// Serves until told to stop.
pub(crate) async fn run(config: Config) -> Result<()> {
    let Some(directory) = DataDir::take(&config.data_dir)? else {
        bail!("another openpan has {} open", config.data_dir.display());
    };
    let pan = open::open(&directory, config.rules.clone())?;
    let listeners = bind(&config, &directory).await?;
    let socket = ControlSocket::bind(&directory.control_socket())
        .with_context(|| format!("could not listen on {}", directory.control_socket().display()))?;
    let token = setup::first_token(&pan).await?;
    let mut terminate = signal(SignalKind::terminate()).context("could not listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("could not listen for SIGINT")?;
    let mut control = tokio::spawn(socket.serve(pan.clone(), system::unix_seconds));
    let workers = tokio::spawn(run_workers(pan.clone()));
    announce(&listeners, token.as_deref())?;
    let server = Server::new(pan);
    let (stop, stopping) = watch::channel(false);
    let watching = async {
        let failed = tokio::select! {
            _ = terminate.recv() => None,
            _ = interrupt.recv() => None,
            ended = &mut control => Some(ended),
        };
        let _ = stop.send(true);
        failed
    };
    let ((), failed) = tokio::join!(server.serve(listeners, stopping), watching);
    control.abort();
    workers.abort();
    let _ = std::fs::remove_file(directory.control_socket());
    match failed {
        None => Ok(()),
        Some(ended) => bail!("the control socket ended: {ended:?}"),
    }
}

async fn bind(config: &Config, directory: &DataDir) -> Result<Vec<Listener>> {
    let mut listeners = vec![listener(&config.listen, None).await?];
    if let Some((address, certificate)) = &config.tls {
        let tls = tls::load(certificate, &directory.tls())?;
        listeners.push(listener(address, Some(tls)).await?);
    }
    Ok(listeners)
}

async fn listener(address: &str, tls: Option<rustls::ServerConfig>) -> Result<Listener> {
    Listener::bind(address, tls).await.with_context(|| format!("could not listen on {address}"))
}

/// Says where the server is; these lines are what scripts wait for.
fn announce(listeners: &[Listener], token: Option<&str>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let urls: Vec<String> = listeners.iter().map(Listener::url).collect::<std::io::Result<_>>()?;
    // Nobody may be reading any more; serving goes on all the same.
    if let (Some(token), Some(url)) = (token, urls.first()) {
        let _ = setup::announce(&mut out, url, token);
    }
    for url in urls {
        let _ = writeln!(out, "listening on {url}");
    }
    let _ = out.flush();
    Ok(())
}
