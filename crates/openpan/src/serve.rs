//! `openpan serve`: from a data directory to a server, and its end.

use std::io::Write;

use anyhow::{Context, Result, bail};
use pan_core::{Pan, run_workers};
use pan_server::{Listener, Server, admin};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::cli::{Place, ServeOptions};
use crate::config::{self, Config};
use crate::data_dir::DataDir;
use crate::{open, setup, system, tls};

/// Serves until told to stop.
pub(crate) async fn run(place: &Place, options: ServeOptions) -> Result<()> {
    let config = config::load(place, options)?;
    let Some(directory) = DataDir::take(&config.data_dir)? else {
        bail!("another openpan has {} open", config.data_dir.display());
    };
    let pan = open::open(&directory)?;
    let listeners = bind(&config, &directory).await?;
    let token = setup::first_token(&pan).await?;
    let socket = directory.control_socket();
    let control = {
        let pan = pan.clone();
        async move { admin::serve(&socket, pan, system::unix_seconds).await }
    };
    let mut control = tokio::spawn(control);
    let workers = tokio::spawn(run_workers(pan.clone()));
    let (stop, stopping) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate()).context("could not listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("could not listen for SIGINT")?;
    announce(&listeners, token.as_deref())?;
    let server = Server::new(pan.clone());
    let serving = server.serve(listeners, stopping);
    let watching = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            ended = &mut control => report_control(ended),
        }
        let _ = stop.send(true);
    };
    tokio::join!(serving, watching);
    control.abort();
    workers.abort();
    let _ = std::fs::remove_file(directory.control_socket());
    end(pan);
    Ok(())
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

fn report_control(ended: Result<std::io::Result<()>, tokio::task::JoinError>) {
    match ended {
        Ok(Err(error)) => tracing::error!(%error, "the control socket failed; stopping"),
        _ => tracing::error!("the control socket ended; stopping"),
    }
}

/// The last handle closes the engines: what was submitted is written.
fn end(pan: Pan) {
    drop(pan);
    tracing::info!("stopped");
}
