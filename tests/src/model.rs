//! The public service models, read from the pinned `botocore` package. An oracle for tests, never a source of code.

use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The service model of a service.
#[derive(Debug)]
pub struct Model(Value);

/// An error of a service model.
#[derive(Debug)]
pub struct ModelError<'a> {
    /// The name of its shape.
    pub name: &'a str,
    /// Whether it is the service's own fault.
    pub is_ours: bool,
    /// `Code` and HTTP status in the Query protocol, where the model says so.
    pub query: Option<(&'a str, u64)>,
}

impl Model {
    /// That of KMS.
    #[must_use]
    pub fn load() -> Self {
        Self::of("kms")
    }

    /// That of a service: `kms`, `iam` or `sts`. It is read from the package that `CARDEA_BOTOCORE` names (the directory `botocore`), from `target/venv`, or from one
    /// that is installed for it.
    #[must_use]
    pub fn of(service: &str) -> Self {
        let kept = target().join(format!("service-model-{service}-{BOTOCORE}.json"));
        let lock = File::create(kept.with_extension("lock")).unwrap();
        lock.lock().unwrap();
        if !kept.exists() {
            unpack(&package(), service, &kept);
        }
        Self(serde_json::from_slice(&fs::read(kept).unwrap()).unwrap())
    }

    /// The names of all operations.
    #[must_use]
    pub fn operations(&self) -> Vec<&str> {
        self.0["operations"].as_object().unwrap().keys().map(String::as_str).collect()
    }

    /// The shape of what an operation takes.
    #[must_use]
    pub fn input(&self, operation: &str) -> &Value {
        static NOTHING: LazyLock<Value> = LazyLock::new(|| json!({"type": "structure", "members": {}}));
        self.0["operations"][operation].get("input").map_or(&NOTHING, |input| self.shape_of(input))
    }

    /// The shape of what an operation answers, unless it answers nothing.
    #[must_use]
    pub fn output(&self, operation: &str) -> Option<&Value> {
        self.0["operations"][operation].get("output").map(|output| self.shape_of(output))
    }

    /// The shape that a member, an element or an operation refers to.
    #[must_use]
    pub fn shape_of(&self, reference: &Value) -> &Value {
        &self.0["shapes"][reference["shape"].as_str().expect("a reference names a shape")]
    }

    /// All modelled errors.
    #[must_use]
    pub fn errors(&self) -> Vec<ModelError<'_>> {
        let shapes = self.0["shapes"].as_object().unwrap();
        let errors = shapes.keys().filter(|name| shapes[name.as_str()]["exception"] == true);
        errors.map(|name| self.error(name)).collect()
    }

    /// The errors that an operation is modelled to answer with.
    #[must_use]
    pub fn errors_of(&self, operation: &str) -> Vec<ModelError<'_>> {
        let errors = self.0["operations"][operation]["errors"].as_array().into_iter().flatten();
        errors.map(|error| self.error(error["shape"].as_str().unwrap())).collect()
    }

    fn error<'a>(&'a self, name: &'a str) -> ModelError<'a> {
        let shape = &self.0["shapes"][name];
        let query = &shape["error"];
        let query = query["code"].as_str().zip(query["httpStatusCode"].as_u64());
        ModelError { name, is_ours: shape["fault"] == true, query }
    }

    /// What in a value is not as the shape wants it; nothing if it conforms.
    #[must_use]
    pub fn departures(&self, shape: &Value, value: &Value) -> Vec<String> {
        let mut found = Vec::new();
        self.compare(shape, value, "", &mut found);
        found
    }

    fn compare(&self, shape: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
        let fits = match shape["type"].as_str().unwrap() {
            "structure" => return self.compare_members(shape, value, path, found),
            "list" => {
                let elements = value.as_array().into_iter().flatten();
                elements.for_each(|one| self.compare(self.shape_of(&shape["member"]), one, path, found));
                value.is_array()
            }
            "string" => value.as_str().is_some_and(|text| fits(shape, text)),
            "blob" => value.as_str().is_some_and(|text| {
                use base64::Engine;
                let bytes = base64::engine::general_purpose::STANDARD.decode(text);
                bytes.is_ok_and(|bytes| within(shape, bytes.len() as u64))
            }),
            "boolean" => value.is_boolean(),
            "integer" => value.as_u64().is_some_and(|number| within(shape, number)),
            "timestamp" => value.is_number(),
            other => panic!("no rule for {other}"),
        };
        if !fits {
            found.push(format!("{path}: {value} is not {shape}"));
        }
    }

    fn compare_members(&self, shape: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
        let Some(members) = value.as_object() else {
            return found.push(format!("{path}: {value} is no structure"));
        };
        for (name, value) in members {
            match shape["members"].get(name) {
                Some(member) => self.compare(self.shape_of(member), value, &format!("{path}.{name}"), found),
                None => found.push(format!("{path}.{name} is unknown to the model")),
            }
        }
        let required = shape["required"].as_array().into_iter().flatten();
        let absent = required.filter(|name| !members.contains_key(name.as_str().unwrap()));
        found.extend(absent.map(|name| format!("{path}.{name} is absent")));
    }
}

fn fits(shape: &Value, text: &str) -> bool {
    let named = |names: &Value| names.as_array().is_none_or(|names| names.iter().any(|name| name == text));
    within(shape, text.chars().count() as u64) && named(&shape["enum"])
}

fn within(shape: &Value, size: u64) -> bool {
    let (min, max) = (shape["min"].as_u64(), shape["max"].as_u64());
    min.is_none_or(|min| size >= min) && max.is_none_or(|max| size <= max)
}

/// The directory `botocore` of the pinned version.
fn package() -> PathBuf {
    if let Some(package) = std::env::var_os("CARDEA_BOTOCORE") {
        return package.into();
    }
    installed(&target().join("venv")).unwrap_or_else(|| {
        let environment = target().join("service-model-venv");
        install(&environment);
        installed(&environment).expect("botocore is installed")
    })
}

fn installed(environment: &Path) -> Option<PathBuf> {
    let versions = fs::read_dir(environment.join("lib")).ok()?;
    let mut sites = versions.filter_map(|version| Some(version.ok()?.path().join("site-packages")));
    let site = sites.find(|site| site.join(format!("botocore-{BOTOCORE}.dist-info")).is_dir())?;
    Some(site.join("botocore"))
}

fn install(environment: &Path) {
    let run = |program: &Path, arguments: &[&str]| {
        let status = Command::new(program).args(arguments).status().unwrap();
        assert!(status.success(), "{} {arguments:?}", program.display());
    };
    run(Path::new("python3"), &["-m", "venv", environment.to_str().unwrap()]);
    run(
        &environment.join("bin/python3"),
        &["-m", "pip", "install", "--quiet", &format!("botocore=={BOTOCORE}")],
    );
}

/// Python unpacks what Python's package packed.
fn unpack(package: &Path, service: &str, to: &Path) {
    let versions = fs::read_dir(package.join("data").join(service)).unwrap();
    let versions = versions.map(|version| version.unwrap().path().join("service-2.json.gz"));
    let packed = versions.filter(|model| model.exists()).max().expect("the package has the model");
    let script = "import gzip, sys; sys.stdout.buffer.write(gzip.open(sys.argv[1]).read())";
    let output = Command::new("python3").args(["-c", script]).arg(packed).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let fresh = to.with_extension("new");
    fs::write(&fresh, output.stdout).unwrap();
    fs::rename(fresh, to).unwrap();
}

fn target() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(3).unwrap().to_owned()
}

const BOTOCORE: &str = "1.44.5";
