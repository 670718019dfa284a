//! The live exposure under every interleaving of two threads, and planted races that must be found.

use loom::sync::Arc;
use loom::thread;
use portcullis::Exposure;

use crate::labels::LabelWord;
use crate::sync::{AtomicBool, AtomicU8, Ordering};

/// What the checks ask of a word of labels.
trait Word: Send + Sync + 'static {
    fn raise(&self, labels: Exposure);
    fn read(&self) -> Exposure;
}

impl Word for LabelWord {
    fn raise(&self, labels: Exposure) {
        LabelWord::raise(self, labels);
    }

    fn read(&self) -> Exposure {
        LabelWord::read(self).unwrap()
    }
}

/// A planted fault: it looks and writes in two steps.
struct RacyWord(AtomicU8);

impl Word for RacyWord {
    fn raise(&self, labels: Exposure) {
        let now = self.0.load(Ordering::SeqCst);
        self.0.store(now | labels.bits(), Ordering::SeqCst);
    }

    fn read(&self) -> Exposure {
        Exposure::from_bits(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// Two sessions take a source each; in the end both labels are there, and one of the two saw both.
fn raise_both<W: Word>(word: impl Fn() -> W + Sync + Send + 'static) {
    loom::model(move || {
        let word = Arc::new(word());
        let other = word.clone();
        let both = Exposure::PRIVATE.join(Exposure::UNTRUSTED);
        let thread = thread::spawn(move || {
            other.raise(Exposure::UNTRUSTED);
            other.read()
        });
        word.raise(Exposure::PRIVATE);
        let here = word.read();
        let there = thread.join().unwrap();
        assert_eq!(word.read(), both, "a label was lost");
        assert!(here == both || there == both, "neither saw what the other touched");
    });
}

#[test]
fn no_label_is_lost_and_one_of_two_sees_both() {
    raise_both(LabelWord::new);
}

#[test]
#[should_panic(expected = "a label was lost")]
fn the_checker_finds_the_lost_label() {
    raise_both(|| RacyWord(AtomicU8::new(0)));
}

#[test]
fn what_was_read_once_is_read_ever_after() {
    loom::model(|| {
        let word = Arc::new(LabelWord::new());
        let other = word.clone();
        let thread = thread::spawn(move || {
            other.raise(Exposure::PRIVATE);
            other.raise(Exposure::UNTRUSTED);
        });
        let (first, second) = (Word::read(&*word), Word::read(&*word));
        assert!(first.leq(second), "a label went away");
        assert!(!first.contains(portcullis::Label::UntrustedContent) || first.contains(portcullis::Label::PrivateData));
        thread.join().unwrap();
    });
}

/// The order in which a read hands its bytes over.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    LabelFirst,
    DataFirst,
}

/// Whoever has the data finds its label.
fn hand_over(order: Order) {
    loom::model(move || {
        let shared = Arc::new((LabelWord::new(), AtomicBool::new(false)));
        let reader = shared.clone();
        let thread = thread::spawn(move || {
            let (word, data) = &*reader;
            if order == Order::DataFirst {
                data.store(true, Ordering::Release);
            }
            word.raise(Exposure::PRIVATE);
            data.store(true, Ordering::Release);
        });
        let (word, data) = &*shared;
        let has_data = data.load(Ordering::Acquire);
        assert!(!has_data || Word::read(word) == Exposure::PRIVATE, "data without its label");
        thread.join().unwrap();
    });
}

#[test]
fn a_label_is_there_before_its_data() {
    hand_over(Order::LabelFirst);
}

#[test]
#[should_panic(expected = "data without its label")]
fn the_checker_finds_data_that_comes_first() {
    hand_over(Order::DataFirst);
}
