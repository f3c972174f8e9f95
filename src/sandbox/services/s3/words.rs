//! Words of errors that the library makes without any: without a message, clients tell people that it is unknown.
//!
//! Source: Amazon S3 API reference, "Error responses", the list of error codes.

use http::{Response, header::CONTENT_LENGTH};
use s3s::Body;

const WORDS: [(&str, &str); 16] = [
    ("AccessDenied", "Access Denied"),
    ("EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size."),
    (
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header.",
    ),
    ("InternalError", "We encountered an internal error. Please try again."),
    ("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
    ("InvalidBucketName", "The specified bucket is not valid."),
    ("InvalidRange", "The requested range cannot be satisfied."),
    ("InvalidURI", "Couldn't parse the specified URI."),
    ("KeyTooLongError", "Your key is too long."),
    (
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema.",
    ),
    ("MethodNotAllowed", "The specified method is not allowed against this resource."),
    ("MissingContentLength", "You must provide the Content-Length HTTP header."),
    ("MissingRequestBodyError", "Request body is empty."),
    ("NotImplemented", "A header you provided implies functionality that is not implemented."),
    ("RequestTimeTooSkewed", "The difference between the request time and the server's time is too large."),
    (
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    ),
];

/// An error's document with a message, where it has none and there are words for it.
fn completed(document: &str) -> Option<String> {
    const END: &str = "</Code>";
    let (start, rest) = document.split_once(END)?;
    let (_, code) = start.split_once("<Error><Code>")?;
    let (_, words) = WORDS.iter().find(|(known, _)| *known == code)?;
    (!rest.contains("<Message>")).then(|| format!("{start}{END}<Message>{words}</Message>{rest}"))
}

/// An answer of the library's as S3 would give it: an error always has words.
pub fn worded(mut response: Response<Body>) -> Response<Body> {
    let error = response.status().is_client_error() || response.status().is_server_error();
    let text = response.body().bytes().filter(|_| error);
    let text = text.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok());
    if let Some(text) = text.and_then(completed) {
        if let Some(length) = response.headers_mut().get_mut(CONTENT_LENGTH) {
            *length = text.len().into();
        }
        *response.body_mut() = text.into_bytes().into();
    }
    response
}

#[cfg(test)]
mod tests {
    use s3s::{S3ErrorCode, S3Result};

    use super::*;

    #[test]
    fn an_error_without_words_gets_those_of_s3_and_another_keeps_its_own() {
        let document = |message: &str| {
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>InternalError</Code>{message}</Error>"
            )
        };
        let told = completed(&document("")).expect("is completed");
        assert!(told.contains(
            "</Code><Message>We encountered an internal error. Please try again.</Message></Error>"
        ));
        assert_eq!(completed(&document("<Message>own</Message>")), None);
        assert_eq!(completed("<ListBucketResult><Code>InternalError</Code></ListBucketResult>"), None);
        for (code, _) in WORDS {
            let known: S3Result<()> = Err(S3ErrorCode::from_bytes(code.as_bytes()).expect("a code").into());
            assert!(known.is_err_and(|error| error.code().as_str() == code), "{code}");
        }
    }

    #[test]
    fn an_answer_is_as_long_as_it_says() {
        let body = "<Error><Code>InvalidBucketName</Code></Error>";
        let answer = Response::builder().status(400).header(CONTENT_LENGTH, body.len());
        let answer = worded(answer.body(Body::from(body.as_bytes().to_vec())).expect("is whole"));
        let length = answer.headers()[CONTENT_LENGTH].to_str().expect("a number").parse();
        let body = answer.body().bytes().expect("is there");
        assert_eq!(length, Ok(body.len()));
        assert!(body.ends_with(b"<Message>The specified bucket is not valid.</Message></Error>"));
    }
}
