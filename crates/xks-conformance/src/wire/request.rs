//! A request as it will go over the wire, in the order in which it will.

/// A request. Nothing is added to it when it is sent but its length, unless it has one or is to go in chunks.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &'static str, path: String, authority: String, body: Vec<u8>) -> Self {
        let headers = vec![("Host".to_owned(), authority)];
        Self { method, path, headers, body }
    }

    /// The value of the first header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Puts a header in the place of all of that name.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.remove(name);
        self.add(name, value);
    }

    /// Puts a header behind the others.
    pub(crate) fn add(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push((name.to_owned(), value.into()));
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.headers.retain(|(it, _)| !it.eq_ignore_ascii_case(name));
    }

    /// Changes the value of a header.
    pub(crate) fn change(&mut self, name: &str, change: impl FnOnce(&str) -> String) {
        if let Some((_, value)) = self.headers.iter_mut().find(|(it, _)| it.eq_ignore_ascii_case(name)) {
            *value = change(value);
        }
    }

    /// All of it up to the body, with that many bytes of it to come.
    pub(crate) fn head(&self, length: u64) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let framed = self.header("Content-Length").is_some() || self.header("Transfer-Encoding").is_some();
        if !framed && (length > 0 || self.method != "GET") {
            head.push_str(&format!("Content-Length: {length}\r\n"));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// All of it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head(u64::try_from(self.body.len()).unwrap_or(u64::MAX));
        bytes.extend_from_slice(&self.body);
        bytes
    }
}
