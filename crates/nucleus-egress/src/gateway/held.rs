//! Bounds what all connections of a gateway hold in memory together.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What one unit of room is: small requests count as this much.
const UNIT_BYTES: usize = 1024;

/// Room for bytes that many share; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Room(Arc<Semaphore>);

/// Some of a room, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Held(Option<OwnedSemaphorePermit>);

impl Room {
    /// Room for this many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes / UNIT_BYTES)))
    }

    /// Takes room, and waits until there is as much; more than all of it is never given.
    pub(super) async fn wait(&self, bytes: usize) -> Held {
        let permit = Arc::clone(&self.0).acquire_many_owned(units(bytes)).await;
        // The semaphore is never closed.
        Held(permit.ok())
    }

    /// Grows what is held to this many bytes; false, and nothing changed, where there is no room.
    pub(super) fn grow(&self, held: &mut Held, bytes: usize) -> bool {
        let missing = units(bytes).saturating_sub(held.units());
        if missing == 0 {
            return true;
        }
        let Ok(more) = Arc::clone(&self.0).try_acquire_many_owned(missing) else {
            return false;
        };
        match &mut held.0 {
            Some(permit) => permit.merge(more),
            none => *none = Some(more),
        }
        true
    }
}

impl Held {
    /// Nothing yet.
    pub(super) const NONE: Self = Self(None);

    /// Gives back what is more than this.
    pub(super) fn shrink(&mut self, bytes: usize) {
        let spare = self.units().saturating_sub(units(bytes));
        if let Some(permit) = &mut self.0 {
            drop(permit.split(usize::try_from(spare).unwrap_or(0)));
        }
    }

    fn units(&self) -> u32 {
        let units = self.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        u32::try_from(units).unwrap_or(u32::MAX)
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES).max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_more_is_given_than_there_is_and_all_of_it_comes_back() {
        let room = Room::new(8 * UNIT_BYTES);
        let mut one = room.wait(5 * UNIT_BYTES).await;
        let mut other = Held::NONE;
        assert!(!room.grow(&mut other, 4 * UNIT_BYTES));
        assert!(room.grow(&mut other, 3 * UNIT_BYTES));
        assert!(!room.grow(&mut other, 3 * UNIT_BYTES + 1));
        one.shrink(UNIT_BYTES);
        assert!(room.grow(&mut other, 7 * UNIT_BYTES));
        let waits = tokio::time::timeout(std::time::Duration::from_millis(20), room.wait(1)).await;
        assert!(waits.is_err());
        drop(other);
        let all = room.wait(7 * UNIT_BYTES).await;
        assert_eq!(all.units(), 7);
    }

    #[tokio::test]
    async fn the_smallest_counts() {
        let room = Room::new(2 * UNIT_BYTES);
        let (_one, _two) = (room.wait(0).await, room.wait(1).await);
        assert!(!room.grow(&mut { Held::NONE }, 0));
    }
}
