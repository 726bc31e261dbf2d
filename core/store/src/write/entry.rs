use firsthand_ids::{HybridTime, OperationHash, Position, WriterId};
use firsthand_log::{Bind, Detached, EntryKind, SignedHead};
use rusqlite::{OptionalExtension, params};

use super::{Draft, Signed};
use crate::StoreError;
use crate::cache::{self, Chain, ordered};
use crate::commit::{EntryState, NewEntry};

impl Draft<'_> {
    /// Appends an entry to its chain.
    pub(super) fn append(&mut self, new: &NewEntry, head: Option<SignedHead>) -> Result<(), StoreError> {
        let (entry, header) = (&new.entry, &new.entry.header);
        if head.is_some_and(|head| head.hash != new.hash) {
            return Err(StoreError::Invalid("a signature of another entry"));
        }
        let chain = match self.chains.get(&new.writer).map(|(chain, _)| chain) {
            Some(chain) => Some(chain.clone()),
            None => self.cache.chains.get(&new.writer).cloned(),
        };
        let held = chain.as_ref().map_or(Position::START, |chain| chain.position);
        if entry.position != held.next() {
            return Err(StoreError::Gap { expected: held.next().0, found: entry.position.0 });
        }
        let space = self.space()?;
        let named = match &header.membership {
            Some(heads) => Some(self.membership(heads)?),
            None => None,
        };
        let mut chain = match chain {
            Some(chain) => chain,
            None => self.open_chain(new, space)?,
        };
        if chain.space != space {
            return Err(StoreError::Invalid("an entry of another space"));
        }
        chain.position = entry.position;
        chain.hash = new.hash;
        chain.membership = named.unwrap_or(chain.membership);

        let document = match &header.document {
            Some(id) => {
                let draft = self.document(id)?;
                Some((draft.number, draft.last_entry))
            }
            None => None,
        };
        let (detached, detached_hash) = match &entry.detached {
            Some(Detached::Present(bytes)) => (Some(bytes.as_slice()), None),
            Some(Detached::HashOnly(hash)) => (None, Some(hash.as_slice())),
            None => (None, None),
        };
        let packed = self.packed(&entry.body)?;
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO entries (writer, position, kind, state, document, prior, hybrid, effective, local_at,
                 local_offset, membership, names_membership, hash, content, signature, nonce, detached,
                 detached_hash, packed, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
        )?;
        let number = insert.insert(params![
            chain.number,
            entry.position.0 as i64,
            header.kind.number(),
            new.state.number(),
            document.map(|(number, _)| number),
            document.and_then(|(_, last)| last),
            ordered(header.hybrid),
            ordered(new.effective),
            header.local.at.0,
            header.local.offset_minutes,
            chain.membership,
            named.is_some(),
            new.hash.as_bytes(),
            header.content.as_bytes(),
            head.map(|head| head.signature),
            entry.nonce,
            detached,
            detached_hash,
            packed.is_some(),
            packed.as_ref().unwrap_or(&entry.body),
        ])?;
        if let Some(id) = &header.document {
            let document = self.document(id)?;
            document.last_entry = Some(number);
            // The id of a document covers the entry that creates it, so no second one can claim to.
            if header.kind == EntryKind::Create {
                document.creator = Some(number);
            }
        }
        self.numbers.insert((new.writer, entry.position), number);
        let signed = if head.is_some() { Signed::Yes } else { Signed::No };
        self.chains.insert(new.writer, (chain, signed));
        Ok(())
    }

    fn packed(&mut self, body: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if body.len() < PACK_FROM_BYTES {
            return Ok(None);
        }
        let packed = self.packer()?.pack(body).ok();
        Ok(packed.filter(|packed| packed.len() < body.len()))
    }

    /// The first entry of a chain says whose it is.
    fn open_chain(&self, new: &NewEntry, space: i64) -> Result<Chain, StoreError> {
        const UNBOUND: StoreError = StoreError::Invalid("a chain that does not begin with its binding");
        if new.entry.header.kind != EntryKind::Bind || new.entry.header.membership.is_none() {
            return Err(UNBOUND);
        }
        let bind = Bind::decode(&new.entry.body).map_err(|_| UNBOUND)?;
        let mut insert = self
            .transaction
            .prepare_cached("INSERT INTO writers (id, space, device, person) VALUES (?1, ?2, ?3, ?4)")?;
        let number = insert.insert(params![
            new.writer.as_bytes(),
            space,
            bind.device.as_bytes(),
            bind.person.as_bytes()
        ])?;
        Ok(Chain {
            number,
            space,
            device: bind.device,
            person: bind.person,
            position: Position::START,
            hash: new.hash,
            membership: 0,
        })
    }

    /// The number of a set of membership heads.
    fn membership(&mut self, heads: &[OperationHash]) -> Result<i64, StoreError> {
        let bytes: Vec<u8> = heads.iter().flat_map(OperationHash::as_bytes).copied().collect();
        let mut select =
            self.transaction.prepare_cached("SELECT number FROM memberships WHERE heads = ?1")?;
        if let Some(number) = select.query_row([&bytes], |row| row.get(0)).optional()? {
            return Ok(number);
        }
        let mut insert = self.transaction.prepare_cached("INSERT INTO memberships (heads) VALUES (?1)")?;
        let number = insert.insert([&bytes])?;
        self.memberships.insert(number, cache::heads(&bytes));
        Ok(number)
    }

    /// Keeps the signature of an entry that is not new.
    pub(super) fn sign(&mut self, writer: &WriterId, head: &SignedHead) -> Result<(), StoreError> {
        let chain = self.chains.get(writer).map(|(chain, _)| chain).or_else(|| self.cache.chains.get(writer));
        let number = chain.map(|chain| chain.number);
        let mut update = self.transaction.prepare_cached(
            "UPDATE entries SET signature = ?1 WHERE writer = ?2 AND position = ?3 AND hash = ?4",
        )?;
        let signed =
            update.execute(params![head.signature, number, head.position.0 as i64, head.hash.as_bytes()])?;
        if signed == 1 {
            Ok(())
        } else {
            Err(StoreError::Invalid("a signature of an entry that is not held"))
        }
    }

    pub(super) fn set_state(
        &self,
        writer: &WriterId,
        position: Position,
        state: EntryState,
    ) -> Result<(), StoreError> {
        let number = self.number(writer, position)?;
        let number = number.ok_or(StoreError::Invalid("the state of an entry that is not held"))?;
        let mut update =
            self.transaction.prepare_cached("UPDATE entries SET state = ?1 WHERE number = ?2")?;
        update.execute(params![state.number(), number])?;
        Ok(())
    }

    /// Moves an entry in the order for people, and with it the row of the document it creates.
    pub(super) fn set_effective(
        &self,
        writer: &WriterId,
        position: Position,
        effective: HybridTime,
    ) -> Result<(), StoreError> {
        let number = self.number(writer, position)?;
        let number = number.ok_or(StoreError::Invalid("the time of an entry that is not held"))?;
        let mut update =
            self.transaction.prepare_cached("UPDATE entries SET effective = ?1 WHERE number = ?2")?;
        update.execute(params![ordered(effective), number])?;
        let mut created =
            self.transaction.prepare_cached("SELECT document FROM entries WHERE number = ?1 AND kind = 1")?;
        let created: Option<i64> = created.query_row([number], |row| row.get(0)).optional()?;
        let Some(document) = created else { return Ok(()) };
        for update in [
            "UPDATE incidents SET effective = ?1 WHERE document = ?2",
            "UPDATE evidence SET effective = ?1 WHERE document = ?2",
            "UPDATE people SET effective = ?1 WHERE document = ?2",
            "UPDATE field_teams SET effective = ?1 WHERE document = ?2",
            "UPDATE shifts SET effective = ?1 WHERE document = ?2",
            "UPDATE check_ins SET effective = ?1 WHERE document = ?2",
            "UPDATE handoffs SET effective = ?1 WHERE document = ?2",
            "UPDATE templates SET effective = ?1 WHERE document = ?2",
            "UPDATE runs SET effective = ?1 WHERE document = ?2",
        ] {
            self.transaction.prepare_cached(update)?.execute(params![ordered(effective), document])?;
        }
        Ok(())
    }
}

/// Bodies from this length on are compressed, which halves the entries that create a document; edits are shorter, and
/// what they would gain is not worth the time.
const PACK_FROM_BYTES: usize = 512;
