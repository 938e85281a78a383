//! A small language model that counts: which token came after which one, two or three others.
//!
//! It is trained in a few milliseconds when the command starts, on the prose under `corpus/`,
//! and it says so. It exists so that the demo streams real tokens, one after the other, without a
//! key, a download or a network.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// The name under which the endpoint offers this model.
pub(crate) const NAME: &str = "fluxar-ngram";

/// The prose that ships with the command: what it is about, and the text.
const CORPUS: [(&str, &str); 6] = [
    ("messaging", include_str!("corpus/messaging.txt")),
    ("protocols", include_str!("corpus/protocols.txt")),
    ("the sea", include_str!("corpus/sea.txt")),
    ("the garden", include_str!("corpus/garden.txt")),
    ("the kitchen", include_str!("corpus/kitchen.txt")),
    ("language models", include_str!("corpus/words.txt")),
];

/// Tokens of context at most.
const ORDER: usize = 3;
/// Tokens taken over from the sentence that fits the prompt best.
const OPENING_TOKENS: usize = 3;
/// How often the longest context decides; otherwise the next shorter one does, if there is a
/// choice at all. Always taking the longest would recite the corpus.
const LONGEST_CONTEXT_SHARE: f64 = 0.55;
/// How much more a text on the prompt's topic counts.
const TOPIC_WEIGHT: f64 = 12.0;
/// How little a token counts that would repeat a run of four.
const REPEAT: f64 = 1e-4;
/// A paragraph's end, a token of its own.
const PARAGRAPH: &str = "\n\n";

type Token = u32;
/// The last tokens, newest last; unused places at the front are [`NOTHING`].
type Context = [Token; ORDER];
const NOTHING: Token = Token::MAX;

/// What followed a context in one text, and how often.
#[derive(Debug)]
struct Next {
    token: Token,
    text: usize,
    count: u32,
}

/// A trained model. Its size is that of the corpus: nothing is added after training.
#[derive(Debug, Default)]
pub(crate) struct Model {
    vocabulary: Vec<String>,
    followers: HashMap<Context, Vec<Next>>,
    sentences: Vec<Sentence>,
    topics: Vec<String>,
    /// In how many sentences a word occurs.
    spread: HashMap<String, u32>,
}

#[derive(Debug)]
struct Sentence {
    text: usize,
    tokens: Vec<Token>,
    words: Vec<String>,
}

/// How to speak.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// The same seed and prompt give the same answer; by default the prompt is the seed.
    pub(crate) seed: Option<u64>,
    /// 0 takes the likeliest token, 1 follows the counts, above 1 gets wild.
    pub(crate) temperature: f64,
    /// Tokens after which the answer ends with its sentence.
    pub(crate) enough_tokens: u32,
    /// Tokens after which the answer ends wherever it is.
    pub(crate) max_tokens: u32,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    /// It was said.
    Stop,
    /// `max_tokens` was reached.
    Length,
}

impl Model {
    /// The model of the shipped corpus.
    pub(crate) fn shipped() -> Self {
        Self::train(&CORPUS)
    }

    /// Counts the tokens of some texts, each given with its topic.
    pub(crate) fn train(texts: &[(&str, &str)]) -> Self {
        let mut model = Self::default();
        let mut tokens = HashMap::new();
        for (index, (topic, text)) in texts.iter().enumerate() {
            model.topics.push((*topic).to_owned());
            model.read(index, text, &mut tokens);
        }
        model
    }

    /// How many tokens a text is. Words that the model does not know count as one each.
    pub(crate) fn count_tokens(text: &str) -> u32 {
        u32::try_from(pieces(text).len()).unwrap_or(u32::MAX)
    }

    /// Goes on after what was said already in answer to a prompt.
    pub(crate) fn go_on(self: &Arc<Self>, prompt: &str, said: &str, manner: Manner) -> Speaker {
        let mut speaker = self.answer(prompt, manner);
        speaker.opening.clear();
        for piece in spoken(said.trim_end()) {
            // Linear, but the vocabulary is small and this happens once an answer.
            let token = self.vocabulary.iter().position(|known| *known == piece);
            let token = token.and_then(|index| Token::try_from(index).ok()).unwrap_or(NOTHING);
            speaker.remember(token);
        }
        speaker
    }

    /// Starts an answer to a prompt.
    pub(crate) fn answer(self: &Arc<Self>, prompt: &str, manner: Manner) -> Speaker {
        let mut hasher = DefaultHasher::new();
        prompt.hash(&mut hasher);
        let mut rng = StdRng::seed_from_u64(manner.seed.unwrap_or_else(|| hasher.finish()));
        let opening = self.best_sentence(prompt, &mut rng);
        let (text, mut queue) = opening.map_or((0, Vec::new()), |sentence| {
            let end = OPENING_TOKENS.min(sentence.tokens.len());
            (sentence.text, sentence.tokens[..end].to_vec())
        });
        queue.reverse();
        Speaker {
            model: Arc::clone(self),
            rng,
            manner,
            text,
            opening: queue,
            context: [NOTHING; ORDER],
            said: 0,
            runs: HashSet::new(),
            finish: None,
        }
    }

    fn read(&mut self, text_index: usize, text: &str, known: &mut HashMap<String, Token>) {
        let mut context = [NOTHING; ORDER];
        let mut sentence = Vec::new();
        for piece in pieces(text) {
            let token = *known.entry(piece).or_insert_with_key(|piece| {
                self.vocabulary.push(piece.clone());
                Token::try_from(self.vocabulary.len() - 1).unwrap_or(NOTHING)
            });
            for length in 1..=ORDER {
                self.count(shorten(context, length), token, text_index);
            }
            push(&mut context, token);
            sentence.push(token);
            if self.ends_sentence(token) {
                self.keep_sentence(text_index, std::mem::take(&mut sentence));
            }
        }
    }

    fn count(&mut self, context: Context, token: Token, text: usize) {
        let followers = self.followers.entry(context).or_default();
        match followers.iter_mut().find(|next| next.token == token && next.text == text) {
            Some(next) => next.count += 1,
            None => followers.push(Next { token, text, count: 1 }),
        }
    }

    fn keep_sentence(&mut self, text: usize, tokens: Vec<Token>) {
        if tokens.len() <= OPENING_TOKENS {
            return; // A paragraph's end, or an exclamation: nothing to start from.
        }
        let spoken: String = tokens.iter().map(|token| self.piece(*token)).collect();
        let words = content_words(&spoken);
        for word in &words {
            *self.spread.entry(word.clone()).or_default() += 1;
        }
        self.sentences.push(Sentence { text, tokens, words });
    }

    /// The sentence that shares the rarest words with the prompt; any first one when none does.
    fn best_sentence(&self, prompt: &str, rng: &mut StdRng) -> Option<&Sentence> {
        let wanted = content_words(prompt);
        let score = |sentence: &Sentence| -> f64 {
            let shared = sentence.words.iter().filter(|word| wanted.contains(word));
            shared.map(|word| 1.0 / f64::from(self.spread.get(word).copied().unwrap_or(1))).sum()
        };
        let best = self.sentences.iter().map(score).fold(0.0, f64::max);
        let fitting: Vec<_> =
            self.sentences.iter().filter(|sentence| score(sentence) >= best).collect();
        (!fitting.is_empty()).then(|| fitting[rng.random_range(0..fitting.len())])
    }

    fn piece(&self, token: Token) -> &str {
        self.vocabulary.get(token as usize).map_or("", String::as_str)
    }

    fn ends_sentence(&self, token: Token) -> bool {
        matches!(self.piece(token), "." | "?" | "!" | PARAGRAPH)
    }
}

/// An answer under way: an iterator of tokens, each with its leading space.
#[derive(Debug)]
pub(crate) struct Speaker {
    model: Arc<Model>,
    rng: StdRng,
    manner: Manner,
    /// The text that fits the prompt.
    text: usize,
    /// Tokens to begin with, the first one last.
    opening: Vec<Token>,
    context: Context,
    said: u32,
    /// Runs of tokens already said, at most one a token: an answer does not go round in circles.
    runs: HashSet<(Context, Token)>,
    finish: Option<Finish>,
}

impl Speaker {
    /// Why the answer ended; `None` while it goes on.
    pub(crate) fn finish(&self) -> Option<Finish> {
        self.finish
    }

    /// What the shipped text that fits the prompt is about.
    pub(crate) fn topic(&self) -> &str {
        self.model.topics.get(self.text).map_or("nothing", String::as_str)
    }

    /// True when the last token ended a sentence.
    pub(crate) fn at_sentence_end(&self) -> bool {
        self.model.ends_sentence(self.context[ORDER - 1])
    }

    fn remember(&mut self, token: Token) {
        self.runs.insert((self.context, token));
        push(&mut self.context, token);
    }

    /// The next token, backing off to shorter contexts until one is known.
    fn choose(&mut self) -> Option<Token> {
        if let Some(token) = self.opening.pop() {
            return Some(token);
        }
        let model = Arc::clone(&self.model);
        let known = |length: usize| model.followers.get(&shorten(self.context, length));
        let mut length = (1..=ORDER).rev().find(|length| known(*length).is_some())?;
        if length == ORDER
            && known(ORDER - 1).is_some()
            && !self.rng.random_bool(LONGEST_CONTEXT_SHARE)
        {
            length -= 1;
        }
        let followers = known(length)?;
        self.sample(followers)
    }

    fn sample(&mut self, followers: &[Next]) -> Option<Token> {
        let power = 1.0 / self.manner.temperature.clamp(0.05, 5.0);
        let weight = |next: &Next| {
            let topic = if next.text == self.text { TOPIC_WEIGHT } else { 1.0 };
            let again = if self.runs.contains(&(self.context, next.token)) { REPEAT } else { 1.0 };
            (topic * again * f64::from(next.count)).powf(power)
        };
        let total: f64 = followers.iter().map(weight).sum();
        let mut left = self.rng.random_range(0.0..1.0) * total;
        for next in followers {
            left -= weight(next);
            if left <= 0.0 {
                return Some(next.token);
            }
        }
        followers.last().map(|next| next.token)
    }
}

impl Iterator for Speaker {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if self.finish.is_some() {
            return None;
        }
        if self.said >= self.manner.max_tokens {
            self.finish = Some(Finish::Length);
            return None;
        }
        if self.said >= self.manner.enough_tokens && self.at_sentence_end() {
            self.finish = Some(Finish::Stop);
            return None;
        }
        let Some(token) = self.choose() else {
            self.finish = Some(Finish::Stop);
            return None;
        };
        let piece = self.model.piece(token);
        let first = self.context[ORDER - 1] == NOTHING;
        let after_break = !first && self.model.piece(self.context[ORDER - 1]) == PARAGRAPH;
        let piece = if first || after_break { piece.trim_start_matches(' ') } else { piece };
        let piece = piece.to_owned();
        self.remember(token);
        self.said += 1;
        Some(piece)
    }
}

/// Cuts a sentence of the endpoint's own into tokens, as the model would have said it.
pub(crate) fn spoken(sentence: &str) -> Vec<String> {
    let mut pieces = pieces(sentence);
    pieces.pop(); // The paragraph's end.
    pieces
}

/// Cuts a text into tokens: words with their leading space, marks, and paragraph ends.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    for paragraph in text.split("\n\n").map(str::trim).filter(|text| !text.is_empty()) {
        for word in paragraph.split_whitespace() {
            let bare = word.trim_end_matches(['.', ',', '?', '!', ':', ';']);
            if !bare.is_empty() {
                pieces.push(format!(" {bare}"));
            }
            pieces.extend(word[bare.len()..].chars().map(String::from));
        }
        pieces.push(PARAGRAPH.to_owned());
    }
    pieces
}

/// The words of a text that say what it is about, in lower case and without a plural s.
fn content_words(text: &str) -> Vec<String> {
    const SHORT: usize = 3;
    let mut words: Vec<String> = text
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| word.chars().count() > SHORT || *word == "sea")
        .map(|word| word.to_lowercase().trim_end_matches('s').to_owned())
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// Keeps the newest `length` tokens of a context.
fn shorten(mut context: Context, length: usize) -> Context {
    context[..ORDER.saturating_sub(length)].fill(NOTHING);
    context
}

fn push(context: &mut Context, token: Token) {
    context.rotate_left(1);
    context[ORDER - 1] = token;
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANNER: Manner =
        Manner { seed: None, temperature: 0.8, enough_tokens: 60, max_tokens: 200 };

    fn say(prompt: &str, manner: Manner) -> (String, Option<Finish>) {
        let mut speaker = Arc::new(Model::shipped()).answer(prompt, manner);
        let text = speaker.by_ref().collect();
        (text, speaker.finish())
    }

    #[test]
    fn one_prompt_gives_one_answer_and_a_seed_changes_it() {
        let (first, _) = say("What makes the tide?", MANNER);
        assert_eq!(first, say("What makes the tide?", MANNER).0);
        assert_ne!(first, say("What makes the tide?", Manner { seed: Some(7), ..MANNER }).0);
    }

    #[test]
    fn an_answer_ends_with_its_sentence_when_it_has_said_enough() {
        for seed in 0..20 {
            let (text, finish) = say("bread", Manner { seed: Some(seed), ..MANNER });
            if finish == Some(Finish::Stop) {
                assert!(text.trim_end().ends_with(['.', '?', '!', ':']), "{text}");
            }
        }
    }

    #[test]
    fn an_answer_never_passes_max_tokens() {
        let manner = Manner { max_tokens: 5, ..MANNER };
        let mut speaker = Arc::new(Model::shipped()).answer("the sea", manner);
        assert_eq!(speaker.by_ref().count(), 5);
        assert_eq!(speaker.finish(), Some(Finish::Length));
    }

    #[test]
    fn the_answer_is_about_the_prompt() {
        let topic =
            |prompt: &str| Arc::new(Model::shipped()).answer(prompt, MANNER).topic().to_owned();
        assert_eq!(topic("How do lighthouses talk?"), "the sea");
        assert_eq!(topic("Tell me about compost"), "the garden");
        assert_eq!(topic("Why do onions smell?"), "the kitchen");
    }

    #[test]
    fn tokens_join_to_the_text() {
        let text = "One, two: three. Four?";
        assert_eq!(pieces(text).concat(), format!(" {text}\n\n"));
        assert_eq!(Model::count_tokens(text), 9);
    }

    #[test]
    fn an_interrupted_answer_goes_on_in_the_same_text() {
        let model = Arc::new(Model::shipped());
        let said = "The tide comes from the moon, and the sun helps";
        let mut speaker = model.go_on("What makes the tide?", said, MANNER);
        assert_eq!(speaker.next().as_deref(), Some(" a"));
        assert_eq!(speaker.next().as_deref(), Some(" little"));
    }

    #[test]
    fn an_empty_model_says_nothing() {
        let mut speaker = Arc::new(Model::train(&[])).answer("anything", MANNER);
        assert_eq!(speaker.next(), None);
        assert_eq!(speaker.finish(), Some(Finish::Stop));
    }
}
