/** A phrase that documentation, messages and comments avoid, and what to write instead. */
interface Phrase {
  /** Words with alternatives in parentheses. A space also matches a line break within a comment. */
  readonly words: string;
  readonly instead: string;
}

/** To add a phrase, add a line. The phrase must be wrong almost wherever it occurs: rewording is the only way out. */
const PHRASES: readonly Phrase[] = [
  { words: '(?<!there )(is|are|was|were) none', instead: 'is not set, does not exist, is invalid' },
  { words: '(that|which|what|it) (is|are|was|were) no (?!longer|more)', instead: 'is not a …' },
  { words: '(is|are|was|were) there(?=[.,;:\'"`)])', instead: 'exists, is ready, is available' },
  { words: '(is|are|was|were|be) away', instead: 'is unreachable, is down' },
  { words: '(is|are|was|were) gone', instead: 'was deleted, no longer exists, has ended' },
  { words: '(come|comes|came|coming) again', instead: 'is retried, is delivered again' },
  { words: '(come|comes|came) of', instead: 'results from, or say what happened' },
  { words: '(take|takes|took) it not', instead: 'does not accept it' },
  { words: '(give|gives|gave|given|giving) back', instead: 'return, release' },
  { words: '(hand|hands|handed|handing) over', instead: 'pass, deliver' },
  { words: '(let|lets|letting) go of', instead: 'release' },
  { words: '(see|sees|saw) to it', instead: 'ensure' },
  { words: '(tell|tells|told) of', instead: 'report' },
  { words: 'to be had', instead: 'available' },
  { words: '(go|goes|went) on', instead: 'continue' },
  { words: '(hear|hears|heard) of', instead: 'receive, detect' },
  { words: '(say|says|said) so', instead: 'report it, note it' },
  { words: 'told otherwise', instead: 'by default, if it is configured' },
  { words: 'at the (least|most)(?=[.,;:\'"`)])', instead: 'at least, at most' },
  { words: 'all the same', instead: 'nevertheless, or nothing' },
  { words: 'anew', instead: 'again, recreated' },
  { words: 'beside', instead: 'next to, in addition to' },
  { words: 'but for', instead: 'except' },
  { words: 'for ever', instead: 'forever, without a limit' },
  { words: 'in hand', instead: 'in progress' },
  { words: 'of ours', instead: "Hailstream's, or name the part" },
  { words: "somebody(?!')", instead: 'an operator, a user, the caller' },
  { words: 'whoever', instead: 'name who: the caller, the operator, a client' },
];

export interface Finding {
  readonly line: number;
  readonly found: string;
  readonly instead: string;
}

/** Between two words: spaces, or a line break with the mark of a comment. */
const SPACE = String.raw`(?:[ \t]+|[ \t]*\n[ \t]*(?:(?:\*|\/\/|#|--|>)[ \t]+)?)`;

const patterns = PHRASES.map(({ words, instead }) => ({
  pattern: new RegExp(
    String.raw`\b${words.replaceAll(' ', SPACE)}${/\w$/.test(words) ? String.raw`\b` : ''}`,
    'gi',
  ),
  instead,
}));

/** All phrases in a text, by line. */
export function findPhrases(text: string): Finding[] {
  return patterns
    .flatMap(({ pattern, instead }) =>
      [...text.matchAll(pattern)].map((match) => ({
        line: text.slice(0, match.index).split('\n').length,
        found: match[0].replaceAll(/\s+(?:(?:\*|\/\/|#|--|>)\s+)?/g, ' '),
        instead,
      })),
    )
    .sort((a, b) => a.line - b.line);
}

/** `@throws` of docstrings: a class without braces, its codes if any, and a condition that begins with `if`. */
export function findThrows(text: string): Finding[] {
  return [
    ...text.matchAll(
      /@throws (?:\{|[a-z]|[A-Z]\w+(?: `\w+`)?,? (?:where|when|for|of|without|as|that)\b)[^\n]*/g,
    ),
  ].map((match) => ({
    line: text.slice(0, match.index).split('\n').length,
    found: match[0].trim(),
    instead: '@throws XError if …',
  }));
}
