//! The edges of OpenPan: where requests come in and answers go out.
//!
//! An edge parses, calls one method of `Pan`, and puts plain values into
//! words. There is no rule here and no engine.

pub mod admin;
mod body;
mod connection;
mod cors;
mod hls;
mod listen;
mod middleware;
mod pcs;
mod router;
mod site;
mod stall;

pub use listen::{Listener, Server, ServerState};
pub use site::{Site, SiteError};
