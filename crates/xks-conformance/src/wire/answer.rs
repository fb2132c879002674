//! What came back, and how it is told: never with a plaintext in it.

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::Lost;

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Reads one; what is behind it stays in `buffer`.
    pub(crate) async fn read(
        stream: &mut (impl AsyncRead + Unpin),
        buffer: &mut Vec<u8>,
    ) -> Result<Self, Lost> {
        loop {
            let mut answer = read_head(stream, buffer).await?;
            if answer.status >= 200 {
                answer.body = answer.read_body(stream, buffer).await?;
                return Ok(answer);
            }
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether more can be asked over the connection that it came by.
    pub(crate) fn keeps_connection(&self) -> bool {
        let closes = self.header("connection").is_some_and(|it| it.eq_ignore_ascii_case("close"));
        let framed = self.header("content-length").is_some() || self.is_chunked();
        !closes && framed
    }

    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The status and the errorName, if it is an error of the API.
    pub(crate) fn error_name(&self) -> Option<String> {
        self.json()?.get("errorName")?.as_str().map(str::to_owned)
    }

    fn is_chunked(&self) -> bool {
        self.header("transfer-encoding").is_some_and(|it| it.eq_ignore_ascii_case("chunked"))
    }

    async fn read_body(
        &self,
        stream: &mut (impl AsyncRead + Unpin),
        buffer: &mut Vec<u8>,
    ) -> Result<Vec<u8>, Lost> {
        if matches!(self.status, 204 | 304) {
            return Ok(Vec::new());
        }
        if self.is_chunked() {
            return read_chunks(stream, buffer).await;
        }
        match self.header("content-length") {
            Some(length) => {
                let length = length.parse().map_err(|_| Lost(format!("an answer of `{length}` bytes")))?;
                take(stream, buffer, length).await
            }
            None => read_to_end(stream, buffer).await,
        }
    }
}

/// For the report: status, errorName and the beginning of the body.
pub(crate) fn excerpt(answer: &Answer) -> String {
    let mut text = match answer.json() {
        Some(mut json) => {
            redact(&mut json);
            json.to_string()
        }
        None => String::from_utf8_lossy(&answer.body).into_owned(),
    };
    text.retain(|character| !character.is_control());
    let cut: String = text.chars().take(EXCERPT).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{} {cut}{more}", answer.status)
}

fn redact(json: &mut Value) {
    if let Some(plaintext @ Value::String(_)) = json.get_mut("plaintext") {
        let length = plaintext.as_str().map_or(0, str::len);
        *plaintext = format!("({length} characters)").into();
    }
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Result<Answer, Lost> {
    loop {
        if let Some((answer, length)) = parse_head(buffer)? {
            buffer.drain(..length);
            return Ok(answer);
        }
        if buffer.len() > HEAD_LIMIT {
            return Err(Lost("an answer whose headers have no end".to_owned()));
        }
        more(stream, buffer).await?;
    }
}

fn parse_head(buffer: &[u8]) -> Result<Option<(Answer, usize)>, Lost> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(buffer).map_err(|error| Lost(format!("no answer of HTTP: {error}")))?;
    let httparse::Status::Complete(length) = parsed else { return Ok(None) };
    let text = |header: &httparse::Header<'_>| {
        (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned())
    };
    let headers = response.headers.iter().map(text).collect();
    let status = response.code.unwrap_or_default();
    Ok(Some((Answer { status, headers, body: Vec::new() }, length)))
}

async fn read_chunks(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Result<Vec<u8>, Lost> {
    let mut body = Vec::new();
    loop {
        let line = read_line(stream, buffer).await?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let length = usize::from_str_radix(digits, 16).map_err(|_| Lost(format!("a chunk of `{line}`")))?;
        if length == 0 {
            while !read_line(stream, buffer).await?.is_empty() {}
            return Ok(body);
        }
        body.extend(take(stream, buffer, length).await?);
        read_line(stream, buffer).await?;
    }
}

async fn read_line(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Result<String, Lost> {
    loop {
        if let Some(end) = buffer.windows(2).position(|pair| pair == b"\r\n") {
            let line: Vec<u8> = buffer.drain(..end + 2).take(end).collect();
            return Ok(String::from_utf8_lossy(&line).into_owned());
        }
        more(stream, buffer).await?;
    }
}

async fn take(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    length: usize,
) -> Result<Vec<u8>, Lost> {
    if length > BODY_LIMIT {
        return Err(Lost(format!("an answer of {length} bytes")));
    }
    while buffer.len() < length {
        more(stream, buffer).await?;
    }
    Ok(buffer.drain(..length).collect())
}

async fn read_to_end(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Result<Vec<u8>, Lost> {
    while buffer.len() < BODY_LIMIT && more(stream, buffer).await.is_ok() {}
    Ok(std::mem::take(buffer))
}

async fn more(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Result<(), Lost> {
    match stream.read_buf(buffer).await {
        Ok(0) => Err(Lost(format!("the connection was closed after {} bytes of an answer", buffer.len()))),
        Ok(_) => Ok(()),
        Err(error) => Err(Lost(format!("the connection was lost: {error}"))),
    }
}

const EXCERPT: usize = 160;
const HEAD_LIMIT: usize = 64 * 1024;
const BODY_LIMIT: usize = 32 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::{Answer, excerpt};

    async fn read(mut text: &[u8]) -> (Result<Answer, super::Lost>, Vec<u8>) {
        let mut buffer = Vec::new();
        let answer = Answer::read(&mut text, &mut buffer).await;
        buffer.extend_from_slice(text);
        (answer, buffer)
    }

    #[tokio::test(flavor = "current_thread")]
    async fn answers_are_read_by_length_by_chunks_and_to_the_end() {
        let texts: [&[u8]; 3] = [
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\nHTTP/1.1",
            b"HTTP/1.1 200 OK\r\n\r\nhello",
        ];
        for (text, rest) in texts.into_iter().zip([&b"HTTP/1.1"[..], b"HTTP/1.1", b""]) {
            let (answer, left) = read(text).await;
            let answer = answer.unwrap();
            assert_eq!((answer.status, answer.body.as_slice(), left.as_slice()), (200, &b"hello"[..], rest));
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_is_asked_to_go_on_is_no_answer() {
        let (answer, _) = read(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n").await;
        assert_eq!(answer.unwrap().status, 204);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn an_answer_that_breaks_off_is_lost() {
        for text in
            ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "220 smtp\r\n"]
        {
            assert!(read(text.as_bytes()).await.0.is_err(), "{text}");
        }
    }

    #[test]
    fn an_excerpt_shows_no_plaintext() {
        let body = br#"{"plaintext":"c2VjcmV0"}"#.to_vec();
        let told = excerpt(&Answer { status: 200, headers: Vec::new(), body });
        assert_eq!(told, r#"200 {"plaintext":"(8 characters)"}"#);
    }
}
