import { Fragment, type ReactNode } from 'react';
import type { MessageKey } from '../messages/messages.js';
import { textOf } from './text.js';

/** A text with elements, such as code, in place of the names of its values. */
export function RichText({ of, values }: { of: MessageKey; values: Readonly<Record<string, ReactNode>> }) {
  return textOf(of)
    .split(/\{(\w+)\}/)
    .map((part, index) => <Fragment key={index}>{index % 2 === 1 ? values[part] : part}</Fragment>);
}
