//! `openpan serve`: from a data directory to a server, and its end.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use pan_core::run_workers;
use pan_media::LocalMedia;
use pan_server::admin::ControlSocket;
use pan_server::{Listener, Server};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::config::Config;
use crate::data_dir::DataDir;
use crate::{backup, open, setup, system, tls};

/// The first requests come first; then the operator hears whether video can be
/// watched here.
const WARM_AFTER: Duration = Duration::from_secs(5);

/// Serves until told to stop.
pub(crate) async fn run(config: Config) -> Result<()> {
    let Some(directory) = DataDir::take(&config.data_dir)? else {
        bail!("another openpan has {} open", config.data_dir.display());
    };
    backup::refuse_beginning(&config.data_dir)?;
    let media = LocalMedia::open(config.media.clone()).context("could not open the media cache")?;
    let media = Arc::new(media);
    let pan = open::open(&directory, config.rules.clone(), media.clone())?;
    let listeners = bind(&config, &directory).await?;
    let socket = ControlSocket::bind(&directory.control_socket())
        .with_context(|| format!("could not listen on {}", directory.control_socket().display()))?;
    backup::adopt(&config.data_dir)?;
    let token = setup::first_token(&pan).await?;
    let mut terminate = signal(SignalKind::terminate()).context("could not listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("could not listen for SIGINT")?;
    let mut control = tokio::spawn(socket.serve(pan.clone(), system::unix_seconds));
    let workers = tokio::spawn(run_workers(pan.clone()));
    let warming = tokio::spawn(async move {
        tokio::time::sleep(WARM_AFTER).await;
        media.warm().await;
    });
    announce(&listeners, token.as_deref())?;
    let server = Server::new(pan, config.site);
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
    warming.abort();
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
