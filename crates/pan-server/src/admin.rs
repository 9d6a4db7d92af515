//! Administration over a socket in the data directory: one request line, then
//! lines of answer, the last of which says what came of it. Whoever may open the socket may do everything.

mod client;
mod dump;
mod protocol;
mod server;

pub use client::ask;
pub use dump::load;
pub use protocol::{AdminReply, AdminRequest};
pub use server::{ControlSocket, perform};
