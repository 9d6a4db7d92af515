//! Whom `pan` trusts: nobody it need not ask, else what the system trusts and what it is
//! told to.

use std::fs::File;
use std::path::Path;

use pan_conformance::pcs::{Accounts, Client, TokenSpec};

use crate::person::{Person, said};
use crate::server::{CommandLine, Server, empty_directory};

crate::tests![certificates_are_read_when_there_is_one_to_judge];

fn certificates_are_read_when_there_is_one_to_judge() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let options = ["--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--tls-self-signed"];
    let server = Server::start_with(&data, &options, &[]);
    let accounts = CommandLine(&data);
    accounts.add_user("ann", None);
    let token = accounts.issue_token("ann", &TokenSpec::rooted("/"));
    let ann = Person::new(&Client::new(&server.address, &token));
    let https = format!("https://{}", server.tls_address.as_ref().unwrap());
    let own = data.join("tls/cert.pem");
    let nothing = directory.path().join("nothing.pem");
    File::create(&nothing).unwrap();

    // In the clear there is nothing to judge, and a machine without certificates will do.
    assert_eq!(quota(&ann, &nothing, &[]), Ok(()));
    let endpoint = ["--endpoint", &https];
    let refused = quota(&ann, &nothing, &endpoint).unwrap_err();
    assert!(refused.contains("No CA certificates"), "{refused}");
    let refused = quota(&ann, Path::new("/etc/ssl/certs/ca-certificates.crt"), &endpoint);
    let refused = refused.unwrap_err();
    assert!(refused.contains("certificate"), "{refused}");
    // The system trusts it, or `pan` is told to.
    assert_eq!(quota(&ann, &own, &endpoint), Ok(()));
    let told = ["--endpoint", &https, "--ca-file", own.to_str().unwrap()];
    assert_eq!(quota(&ann, &nothing, &told), Ok(()));
    server.check();
}

/// Asks for the quota on a system that trusts these certificates.
fn quota(person: &Person, trusted: &Path, options: &[&str]) -> Result<(), String> {
    let mut command = person.command(options);
    command.arg("quota").env("SSL_CERT_FILE", trusted).env("SSL_CERT_DIR", "/nonexistent");
    let output = command.output().unwrap();
    if output.status.success() { Ok(()) } else { Err(said(&output)) }
}
