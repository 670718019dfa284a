//! The web tools.

use nucleus::Error;
use nucleus::fetch::{FetchRequest, Fetched, FetchedBody, Fetcher};
use serde_json::json;

use crate::arguments::{WebFetchArgs, WebSearchArgs};
use crate::hands::Reply;

/// `web_fetch`
pub(super) fn fetch(fetcher: &Fetcher, args: &WebFetchArgs) -> Result<Reply, Error> {
    reply(fetcher.fetch(&FetchRequest::get(args.url.clone()))?)
}

/// `web_search`
pub(super) fn search(fetcher: &Fetcher, args: &WebSearchArgs) -> Result<Reply, Error> {
    reply(fetcher.search(&args.query)?)
}

/// The answer as text; what is no text is named, not shown.
fn reply(fetched: Fetched) -> Result<Reply, Error> {
    let data = json!({
        "url": fetched.url, "status": fetched.status, "content_type": fetched.content_type,
        "is_cut": fetched.is_cut, "redirects": fetched.redirects,
    });
    let FetchedBody::Bytes(bytes) = fetched.body else {
        return Err(Error::Invalid(
            "the answer is held and was not asked for as text".to_owned(),
        ));
    };
    let mut text = match String::from_utf8(bytes) {
        Ok(text) => text
            .chars()
            .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
            .collect(),
        Err(error) => format!("[{} bytes that are no text]", error.as_bytes().len()),
    };
    if fetched.is_cut {
        text.push_str("\n[cut at the limit]");
    }
    Ok(Reply {
        text,
        data,
        is_error: !(200..300).contains(&fetched.status),
    })
}
