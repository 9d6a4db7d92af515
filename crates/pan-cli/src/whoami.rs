use clap::Args;
use serde_json::json;

use crate::failure::Failure;
use crate::session::{Session, connect};

/// Show which profile and endpoint are used, and try the token
#[derive(Debug, Args)]
pub(crate) struct WhoamiArgs {}

pub(crate) async fn run(session: &Session<'_>, _: WhoamiArgs) -> Result<(), Failure> {
    let access = session.access(None)?;
    let tried = connect(&access)?.with_retry(pan_sdk::RetryPolicy::brief()).quota().await;
    let screen = session.screen;
    let token = match &tried {
        Ok(_) => "accepted",
        Err(error) if error.status().is_some_and(|status| matches!(status, 401 | 403)) => "refused",
        Err(_) => "not tried",
    };
    if screen.json {
        let (profile, endpoint) = (&access.profile, &access.endpoint);
        let object = json!({ "profile": profile, "endpoint": endpoint, "token": token });
        screen.object(&object)?;
    } else {
        let profile = access.profile.as_deref().unwrap_or("none: flags or environment");
        screen.line(format!(" profile: {profile}"))?;
        screen.line(format!("endpoint: {}", access.endpoint))?;
        screen.line(format!("   token: {token}"))?;
    }
    tried.map(|_| ()).map_err(Failure::from)
}
