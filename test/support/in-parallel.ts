/** Does the work for all items, so many at a time. */
export async function inParallel<T>(
  items: readonly T[],
  abreast: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: abreast }, async () => {
      for (const item of left) await work(item);
    }),
  );
}
