//! Administration over a socket in the data directory: one request line, then
//! lines of answer. Whoever may open the socket may do everything.

mod client;
mod protocol;
mod server;

pub use client::ask;
pub use protocol::{AdminReply, AdminRequest};
pub use server::{ControlSocket, perform};
