/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package org.openshelf.toolkit.collect;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Predicate;
import org.openshelf.toolkit.Args;

/** Helpers for lists and maps. None of them changes its arguments. */
public final class Lists {

    /** The two halves that {@link #partition} makes. */
    public record Parts<T>(List<T> matching, List<T> others) {
    }

    private Lists() {
    }

    /** Cuts a list into pieces of {@code size} elements; the last piece may be shorter. */
    public static <T> List<List<T>> chunk(List<T> items, int size) {
        Args.notNull(items, "items");
        Args.positive(size, "size");
        List<List<T>> chunks = new ArrayList<>((items.size() + size - 1) / size);
        for (int start = 0; start < items.size(); start += size) {
            int end = Math.min(start + size, items.size());
            chunks.add(List.copyOf(items.subList(start, end)));
        }
        return chunks;
    }

    public static <T> Parts<T> partition(Collection<T> items, Predicate<? super T> test) {
        List<T> matching = new ArrayList<>();
        List<T> others = new ArrayList<>();
        for (T item : items) {
            (test.test(item) ? matching : others).add(item);
        }
        return new Parts<>(List.copyOf(matching), List.copyOf(others));
    }

    /** Like {@code groupingBy}, but keeps the order in which the keys first appear. */
    public static <K, T> Map<K, List<T>> groupInOrder(Collection<T> items, Function<? super T, ? extends K> key) {
        Map<K, List<T>> groups = new LinkedHashMap<>();
        for (T item : items) {
            groups.computeIfAbsent(key.apply(item), k -> new ArrayList<>()).add(item);
        }
        return groups;
    }

    /** Makes a map by key and refuses a key that appears twice. */
    public static <K, T> Map<K, T> indexBy(Collection<T> items, Function<? super T, ? extends K> key) {
        Map<K, T> index = new LinkedHashMap<>();
        for (T item : items) {
            K k = key.apply(item);
            T previous = index.putIfAbsent(k, item);
            Args.check(previous == null, "duplicate key %s", k);
        }
        return index;
    }

    public static <T, K> List<T> distinctBy(Collection<T> items, Function<? super T, ? extends K> key) {
        Set<K> seen = new HashSet<>();
        List<T> kept = new ArrayList<>();
        for (T item : items) {
            if (seen.add(key.apply(item))) {
                kept.add(item);
            }
        }
        return kept;
    }

    /** Joins two lists position by position and stops at the end of the shorter one. */
    public static <A, B, R> List<R> zip(List<A> left, List<B> right, BiFunction<? super A, ? super B, R> join) {
        int size = Math.min(left.size(), right.size());
        List<R> joined = new ArrayList<>(size);
        for (int i = 0; i < size; i++) {
            joined.add(join.apply(left.get(i), right.get(i)));
        }
        return joined;
    }

    public static <T> Optional<T> first(List<T> items) {
        return items.isEmpty() ? Optional.empty() : Optional.of(items.get(0));
    }

    public static <T> Optional<T> last(List<T> items) {
        return items.isEmpty() ? Optional.empty() : Optional.of(items.get(items.size() - 1));
    }

    /** The {@code count} greatest elements, greatest first, without sorting the whole input. */
    public static <T> List<T> top(Collection<T> items, int count, Comparator<? super T> order) {
        Args.positive(count, "count");
        PriorityQueue<T> heap = new PriorityQueue<>(count, order);
        for (T item : items) {
            heap.add(item);
            if (heap.size() > count) {
                heap.poll();
            }
        }
        List<T> result = new ArrayList<>(heap);
        result.sort(order.reversed());
        return result;
    }
}
