//! CBOR as it should be, and as it should not be.

/// Something in CBOR.
#[derive(Clone)]
pub enum Cbor {
    Bytes(Vec<u8>),
    List(Vec<Cbor>),
    Map(Vec<(Cbor, Cbor)>),
    Null,
    Number(i64),
    /// Already encoded.
    Raw(Vec<u8>),
    Text(&'static str),
}

impl Cbor {
    pub fn encoded(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => [head(2, bytes.len() as u64), bytes.clone()].concat(),
            Self::List(entries) => {
                let entries = entries.iter().flat_map(Self::encoded);
                head(4, self.count()).into_iter().chain(entries).collect()
            }
            Self::Map(pairs) => {
                let pairs = pairs.iter().flat_map(|(key, value)| [key.encoded(), value.encoded()].concat());
                head(5, self.count()).into_iter().chain(pairs).collect()
            }
            Self::Null => vec![0xf6],
            Self::Number(number) if *number < 0 => head(1, (-1 - number) as u64),
            Self::Number(number) => head(0, *number as u64),
            Self::Raw(bytes) => bytes.clone(),
            Self::Text(text) => [head(3, text.len() as u64), text.as_bytes().to_vec()].concat(),
        }
    }

    /// The same with an indefinite length, where there can be one.
    pub fn indefinite(&self) -> Self {
        let (first, parts) = match self {
            Self::Bytes(_) => (0x5f, self.encoded()),
            Self::Text(_) => (0x7f, self.encoded()),
            Self::List(entries) => (0x9f, entries.iter().flat_map(Self::encoded).collect()),
            Self::Map(pairs) => {
                let pair = |(key, value): &(Self, Self)| [key.encoded(), value.encoded()].concat();
                (0xbf, pairs.iter().flat_map(pair).collect())
            }
            other => return other.clone(),
        };
        Self::Raw([vec![first], parts, vec![0xff]].concat())
    }

    fn count(&self) -> u64 {
        match self {
            Self::List(entries) => entries.len() as u64,
            Self::Map(pairs) => pairs.len() as u64,
            _ => 0,
        }
    }
}

/// A head of that major type in the shortest form.
pub fn head(major: u8, argument: u64) -> Vec<u8> {
    let first = |low: u8| (major << 5) | low;
    match argument {
        0..=23 => vec![first(argument as u8)],
        24..=0xff => vec![first(24), argument as u8],
        0x100..=0xffff => [vec![first(25)], (argument as u16).to_be_bytes().to_vec()].concat(),
        0x1_0000..=0xffff_ffff => [vec![first(26)], (argument as u32).to_be_bytes().to_vec()].concat(),
        _ => [vec![first(27)], argument.to_be_bytes().to_vec()].concat(),
    }
}
