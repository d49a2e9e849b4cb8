/** What the labels of marks show. */
export const labelChoices = ['id', 'provider', 'battery', 'none'] as const;
export type LabelChoice = (typeof labelChoices)[number];
