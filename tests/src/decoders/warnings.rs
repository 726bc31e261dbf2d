use firsthand_exchange::cap;
use firsthand_record::validate;

use super::Samples;

/// What is read as a warning is the same when it is written and read again, and a warning made of it gives it back.
pub(super) fn cap(bytes: &[u8]) {
    let Ok(message) = cap::read(bytes) else { return };
    let written = cap::write(&message).unwrap();
    assert_eq!(cap::read(written.as_bytes()).unwrap(), message);
    if let Ok(draft) = cap::to_alert(&message) {
        drop(validate::warning::alert(&draft.alert));
        assert_eq!(cap::from_alert(&draft.alert).unwrap(), message);
    }
}

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"><identifier>a-1</identifier>\
    <sender>us</sender><sent>2026-05-01T14:30:00+03:00</sent><status>Test</status>";

const INFO: &str = "<info><language>ar</language><category>Security</category><event>Crowd</event><urgency>Expected</urgency>\
    <severity>Severe</severity><certainty>Likely</certainty><expires>2026-05-01T18:30:00+03:00</expires>\
    <headline>Wait &amp; see &#x2014;</headline>";

const AREA: &str = "<area><areaDesc>market</areaDesc><polygon>0.5,35.2 0.5,35.5 0.7,35.2 0.5,35.2</polygon>\
    <circle>0.51,35.27 2.5</circle><geocode><valueName>P-code</valueName><value>XX01</value></geocode></area>";

pub(super) fn caps(_: &mut Samples) -> Vec<Vec<u8>> {
    let first = "<msgType>Alert</msgType><scope>Public</scope>";
    let cancel = "<msgType>Cancel</msgType><scope>Public</scope><references>us,a-0,2026-05-01T14:00:00-00:00</references>";
    let resource = "<resource><resourceDesc>map</resourceDesc><size>5</size></resource>";
    [
        format!("{HEAD}{first}{INFO}{AREA}</info></alert>"),
        format!("{HEAD}{cancel}{INFO}{resource}</info>{INFO}</info></alert>"),
    ]
    .map(String::into_bytes)
    .to_vec()
}
