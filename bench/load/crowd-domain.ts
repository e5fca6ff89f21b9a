// The domains of the servers that bench/load/ssp-crowd.ts stands for.

export const crowdDomain = (index: number): string => `d${index}.example`;
