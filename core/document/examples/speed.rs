use std::time::Instant;
use firsthand_document::*;
use firsthand_ids::*;
use automerge::{Automerge, LoadOptions, TextEncoding, ReadDoc};
fn w(n: u8) -> WriterId { WriterId::new([n; 16]) }
fn time<T>(name: &str, n: usize, mut f: impl FnMut() -> T) { 
    for _ in 0..n/10+1 { std::hint::black_box(f()); }
    let t = Instant::now(); for _ in 0..n { std::hint::black_box(f()); } 
    println!("{name:40} {:9.1} us", t.elapsed().as_secs_f64()*1e6/n as f64);
}
fn main() {
    let text: String = "Two men stood at the gate and shouted at people who left the market. ".repeat(9);
    let fields = serde_json::json!({"title":"Shots at the bridge","severity":"Severe","urgency":"Immediate","certainty":"Observed","category":"Attack","short_code":"K7-014","narrative":text,"place_text":"At the gate of the market","place":{"lat":1.25,"lon":36.5,"accuracy_m":12},"occurred_start":{"time":"2026-01-01T10:00:00+03:00","precision":"minute"},"reported_at":"2026-01-01T11:00:00+03:00","status":"open","sensitivity":"team","verification":"Unmarked","retaliation_risk":"low","followup":"NeedsFollowUp","counts":[{"what":"injured","low":1,"high":2},{"what":"present","low":10}],"actors":[{"role":"initiator","count_low":2,"description":"men with sticks"}],"source":[{"kind":"witness","reliability":"B"}]});
    let serde_json::Value::Object(fields)=fields else {panic!()};
    time("create", 300, || Document::create(DocumentKind::Incident, w(1), &fields).unwrap());
    let (mut doc, changes) = Document::create(DocumentKind::Incident, w(1), &fields).unwrap();
    println!("created: {} bytes", changes[0].bytes.len());
    let mut all: Vec<(WriterId, bool, Vec<u8>)> = vec![(w(1), true, changes[0].bytes.clone())];
    for i in 0..5 {
        let who = w(1 + i % 2);
        let e = if i % 2 == 0 { Edit::Splice{field:"narrative".into(), at: 10*i as usize, delete: 3, insert:"xyz w".into()} } else { Edit::Set{field:"title".into(), value: format!("T{i}").into()} };
        for c in doc.edit(who, Rights::NONE, &[e]).unwrap() { println!("edit: {} bytes", c.bytes.len()); all.push((who,false,c.bytes)); }
    }
    let saved = doc.save();
    println!("saved {} bytes", saved.len());
    let opts = || LoadOptions::new().text_encoding(TextEncoding::UnicodeCodePoint);
    time("automerge load", 1000, || Automerge::load_with_options(&saved, opts()).unwrap());
    let am = Automerge::load_with_options(&saved, opts()).unwrap();
    time("automerge clone", 1000, || am.clone());
    time("automerge save_nocompress", 1000, || am.save_nocompress());
    time("load", 1000, || Document::load(&saved).unwrap());
    let prefix = { let mut d = Document::empty(); let inc: Vec<_> = all[..5].iter().map(|(w,c,b)| Incoming{writer:*w, position: Position(1), create:*c, change:b}).collect(); d.apply(&inc,&NoAuthors); d };
    let last = &all[5];
    let inc = [Incoming{writer:last.0, position: Position(1), create:false, change:&last.2}];
    let ps = prefix.save();
    let pam = Automerge::load_with_options(&ps, opts()).unwrap();
    time("automerge clone+apply 1", 1000, || { let mut a = pam.clone(); a.load_incremental(&last.2).unwrap(); a });
    time("automerge load+apply 1+save", 1000, || { let mut a = Automerge::load_with_options(&ps, opts()).unwrap(); a.load_incremental(&last.2).unwrap(); a.save_nocompress() });
    time("clone+apply 1 (guard)", 1000, || { let mut d = prefix.clone(); d.apply(&inc, &NoAuthors) });
    time("load+apply 1+save (guard)", 1000, || { let mut d = Document::load(&ps).unwrap(); d.apply(&inc, &NoAuthors); d.save() });
    let inc6: Vec<_> = all.iter().map(|(w,c,b)| Incoming{writer:*w, position: Position(1), create:*c, change:b}).collect();
    time("empty+apply 6+save (guard)", 500, || { let mut d = Document::empty(); let a=d.apply(&inc6, &NoAuthors); assert!(a.is_complete()); d.save() });
    let cat: Vec<u8> = all.iter().flat_map(|x| x.2.clone()).collect();
    time("automerge empty+apply 6+save", 500, || { let mut a = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint); a.load_incremental(&cat).unwrap(); a.save_nocompress() });
    time("view", 1000, || doc.view(&NoAuthors));
    let v = doc.view(&NoAuthors);
    time("to_canonical", 1000, || v.to_canonical());
    time("shown", 1000, || v.shown());
    time("clone+edit splice", 1000, || { let mut d = doc.clone(); d.edit(w(1), Rights::NONE, &[Edit::Splice{field:"narrative".into(), at: 100, delete: 3, insert:"abcde".into()}]).unwrap() });
    time("clone", 1000, || doc.clone());
    time("heads", 1000, || doc.heads());
    time("load+edit+save", 1000, || { let mut d = Document::load(&saved).unwrap(); d.edit(w(1), Rights::NONE, &[Edit::Splice{field:"narrative".into(), at: 100, delete: 3, insert:"abcde".into()}]).unwrap(); d.save() });
    // many changes
    for n in [1000usize, 5000] {
        let (mut d, c) = Document::create(DocumentKind::Incident, w(1), &fields).unwrap();
        let mut list = vec![(w(1), true, c[0].bytes.clone())];
        for i in 0..n { let who = w(1 + (i%5) as u8); let e = if i%3==0 { Edit::Set{field:"title".into(), value: format!("T{i}").into()} } else { Edit::Splice{field:"narrative".into(), at: i % 500, delete: 1, insert:"ab".into()} };
            for c in d.edit(who, Rights::NONE, &[e]).unwrap() { list.push((who,false,c.bytes)); } }
        let inc: Vec<_> = list.iter().map(|(w,c,b)| Incoming{writer:*w, position: Position(1), create:*c, change:b}).collect();
        let cat: Vec<u8> = list.iter().flat_map(|x| x.2.clone()).collect();
        let t=Instant::now(); let mut a = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint); a.load_incremental(&cat).unwrap(); let s=a.save_nocompress(); println!("automerge apply {n}+save: {:?}", t.elapsed());
        let t=Instant::now(); let _ = Automerge::load_with_options(&s, opts()).unwrap(); println!("automerge load {n}: {:?}", t.elapsed());
        let t=Instant::now(); let mut e = Document::empty(); assert!(e.apply(&inc,&NoAuthors).is_complete()); println!("guard apply {n}: {:?}", t.elapsed());
        assert_eq!(e.save(), s);
        let t=Instant::now(); let h = e.history(&NoAuthors); println!("history {n}: {:?} {}", t.elapsed(), h.len());
        let t=Instant::now(); let h = e.view(&NoAuthors); println!("view {n}: {:?} {}", t.elapsed(), h.fields.len());
        // apart: 4 writers from the creation on
        let mut list2 = vec![(w(1), true, c[0].bytes.clone())];
        for k in 1..5u8 { let (mut d, _) = Document::create(DocumentKind::Incident, w(1), &fields).unwrap();
          for i in 0..n/4 { let e = if i%3==0 { Edit::Set{field:["title","category","urgency","followup"][k as usize -1].into(), value: format!("T{i}").into()} } else { Edit::Splice{field:"narrative".into(), at: i % 500, delete: 1, insert:"ab".into()} };
            for c in d.edit(w(k), Rights::NONE, &[e]).unwrap() { list2.push((w(k),false,c.bytes)); } } }
        let inc: Vec<_> = list2.iter().map(|(w,c,b)| Incoming{writer:*w, position: Position(1), create:*c, change:b}).collect();
        let cat: Vec<u8> = list2.iter().flat_map(|x| x.2.clone()).collect();
        let t=Instant::now(); let mut a = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint); a.load_incremental(&cat).unwrap(); let s=a.save_nocompress(); println!("automerge apply apart {n}+save: {:?}", t.elapsed());
        let t=Instant::now(); let _ = Automerge::load_with_options(&s, opts()).unwrap(); println!("automerge load apart {n}: {:?}", t.elapsed());
        let t=Instant::now(); let mut e = Document::empty(); assert!(e.apply(&inc,&NoAuthors).is_complete()); println!("guard apply apart {n}: {:?}", t.elapsed());
        let t=Instant::now(); let h = e.history(&NoAuthors); println!("history apart {n}: {:?} {}", t.elapsed(), h.len());

    }
}
