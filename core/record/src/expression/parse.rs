use super::lex::{Word, words};
use super::pattern::Pattern;
use super::tree::{Function, Operator, Tree, binding};
use super::{DEPTH, ExpressionError};

pub(super) fn parse(text: &str) -> Result<Tree, ExpressionError> {
    let mut parser = Parser { words: words(text)?, at: 0, nested: 0 };
    if parser.words.is_empty() {
        return Err(ExpressionError::Empty);
    }
    let (tree, _) = parser.part(binding::ANY)?;
    match parser.words.get(parser.at) {
        None => Ok(tree),
        Some(_) => Err(parser.unexpected()),
    }
}

/// A tree, and how deep it is.
type Deep = (Tree, usize);

struct Parser {
    words: Vec<(Word, usize)>,
    /// The next word.
    at: usize,
    /// How many parentheses and signs are open around it.
    nested: usize,
}

/// What joins two parts, with how tightly it binds.
enum Joint {
    All,
    Any,
    Operator(Operator),
}

impl Joint {
    const fn binding(&self) -> u8 {
        match self {
            Self::All => binding::ALL,
            Self::Any => binding::ANY,
            Self::Operator(operator) => operator.binding(),
        }
    }
}

impl Parser {
    fn peek(&self) -> Option<&Word> {
        self.words.get(self.at).map(|(word, _)| word)
    }

    /// Where the next word stands, or the last one where there is none.
    fn place(&self) -> usize {
        self.words.get(self.at).or(self.words.last()).map_or(1, |(_, at)| *at)
    }

    fn unexpected(&self) -> ExpressionError {
        let Some((word, at)) = self.words.get(self.at).cloned() else { return ExpressionError::Unfinished };
        let found = match word {
            Word::Number(number) => number.to_string(),
            Word::Text(text) => text,
            Word::Own => ".".to_owned(),
            Word::Reference(name) => format!("${{{name}}}"),
            Word::Name(name) => name,
            Word::Sign(sign) => sign.to_owned(),
        };
        ExpressionError::Unexpected { found, at }
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(Word::Sign(own)) if *own == sign)
    }

    fn take_sign(&mut self, sign: &str) -> Result<(), ExpressionError> {
        if !self.is_sign(sign) {
            return Err(self.unexpected());
        }
        self.at += 1;
        Ok(())
    }

    fn deeper(&self, depth: usize) -> Result<usize, ExpressionError> {
        if depth < DEPTH { Ok(depth + 1) } else { Err(ExpressionError::TooDeep { at: self.place() }) }
    }

    fn joint(&self) -> Option<Joint> {
        match self.peek()? {
            Word::Name(name) if name == "and" => Some(Joint::All),
            Word::Name(name) if name == "or" => Some(Joint::Any),
            Word::Name(name) => Operator::find(name).map(Joint::Operator),
            Word::Sign(sign) => Operator::find(sign).map(Joint::Operator),
            _ => None,
        }
    }

    /// A part whose joints bind at least so tightly.
    fn part(&mut self, least: u8) -> Result<Deep, ExpressionError> {
        let (mut left, mut depth) = self.single()?;
        while let Some(joint) = self.joint().filter(|joint| joint.binding() >= least) {
            self.at += 1;
            let tighter = joint.binding() + 1;
            let (right, right_depth) = self.part(tighter)?;
            depth = self.deeper(depth.max(right_depth))?;
            left = match joint {
                Joint::Operator(operator) => Tree::Binary(operator, Box::new(left), Box::new(right)),
                Joint::All | Joint::Any => {
                    let mut parts = vec![left, right];
                    while self.joint().is_some_and(|next| next.binding() == joint.binding()) {
                        self.at += 1;
                        let (part, part_depth) = self.part(tighter)?;
                        depth = depth.max(self.deeper(part_depth)?);
                        parts.push(part);
                    }
                    if matches!(joint, Joint::All) { Tree::All(parts) } else { Tree::Any(parts) }
                }
            };
        }
        Ok((left, depth))
    }

    fn nest<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, ExpressionError>,
    ) -> Result<T, ExpressionError> {
        self.nested = self.deeper(self.nested)?;
        let read = read(self);
        self.nested -= 1;
        read
    }

    fn single(&mut self) -> Result<Deep, ExpressionError> {
        let (word, at) = self.words.get(self.at).cloned().ok_or(ExpressionError::Unfinished)?;
        let leaf = match word {
            Word::Number(number) => Tree::Number(number),
            Word::Text(text) => Tree::Text(text),
            Word::Own => Tree::Own,
            Word::Reference(name) => Tree::Reference(name),
            Word::Name(name) => return self.call(&name, at),
            Word::Sign("-") => {
                self.at += 1;
                let (inner, depth) = self.nest(Self::single)?;
                return Ok((Tree::Negate(Box::new(inner)), self.deeper(depth)?));
            }
            Word::Sign("(") => {
                self.at += 1;
                let inner = self.nest(|parser| parser.part(binding::ANY))?;
                self.take_sign(")")?;
                return Ok(inner);
            }
            Word::Sign(_) => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok((leaf, 1))
    }

    fn call(&mut self, name: &str, at: usize) -> Result<Deep, ExpressionError> {
        self.at += 1;
        if !self.is_sign("(") {
            return Err(ExpressionError::Path { found: name.to_owned(), at });
        }
        let function = Function::find(name);
        if function.is_none() && name != "regex" {
            return Err(ExpressionError::UnknownFunction { name: name.to_owned(), at });
        }
        self.at += 1;
        let (mut arguments, mut depth) = (Vec::new(), 0);
        while !self.is_sign(")") {
            if !arguments.is_empty() {
                self.take_sign(",")?;
            }
            let (argument, own) = self.nest(|parser| parser.part(binding::ANY))?;
            depth = depth.max(own);
            arguments.push(argument);
        }
        self.take_sign(")")?;
        let depth = self.deeper(depth)?;
        let Some(function) = function else { return Ok((matches(arguments, at)?, depth)) };
        let named = |tree: &Tree| matches!(tree, Tree::Reference(_));
        if !function.fits(arguments.len()) || function == Function::Count && !arguments.iter().all(named) {
            return Err(ExpressionError::Arguments { name: function.word(), at, takes: function.takes() });
        }
        Ok((Tree::Call(function, arguments), depth))
    }
}

fn matches(arguments: Vec<Tree>, at: usize) -> Result<Tree, ExpressionError> {
    let Ok([text, Tree::Text(pattern)]) = <[Tree; 2]>::try_from(arguments) else {
        let takes = "a value, and a pattern between quotation marks";
        return Err(ExpressionError::Arguments { name: "regex", at, takes });
    };
    let pattern = Pattern::new(pattern).ok_or(ExpressionError::Pattern { at })?;
    Ok(Tree::Matches(Box::new(text), pattern))
}
