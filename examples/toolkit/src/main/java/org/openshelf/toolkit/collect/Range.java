/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package org.openshelf.toolkit.collect;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.openshelf.toolkit.Args;

/**
 * An immutable half-open range: {@code from} belongs to it, {@code to} does not.
 *
 * @param <T> type of the bounds
 */
public record Range<T extends Comparable<? super T>>(T from, T to) {

    public Range {
        Args.notNull(from, "from");
        Args.notNull(to, "to");
        Args.check(from.compareTo(to) <= 0, "range starts at %s after its end %s", from, to);
    }

    public static <T extends Comparable<? super T>> Range<T> of(T from, T to) {
        return new Range<>(from, to);
    }

    public boolean isEmpty() {
        return from.compareTo(to) == 0;
    }

    public boolean contains(T value) {
        return from.compareTo(value) <= 0 && value.compareTo(to) < 0;
    }

    public boolean encloses(Range<T> other) {
        return from.compareTo(other.from) <= 0 && other.to.compareTo(to) <= 0;
    }

    public boolean overlaps(Range<T> other) {
        return from.compareTo(other.to) < 0 && other.from.compareTo(to) < 0;
    }

    public Optional<Range<T>> intersect(Range<T> other) {
        if (!overlaps(other)) {
            return Optional.empty();
        }
        return Optional.of(new Range<>(max(from, other.from), min(to, other.to)));
    }

    /** The smallest range that holds both. */
    public Range<T> span(Range<T> other) {
        return new Range<>(min(from, other.from), max(to, other.to));
    }

    /** What is left of this range when the other one is cut out: none, one or two pieces. */
    public List<Range<T>> minus(Range<T> other) {
        if (!overlaps(other)) {
            return List.of(this);
        }
        List<Range<T>> rest = new ArrayList<>(2);
        if (from.compareTo(other.from) < 0) {
            rest.add(new Range<>(from, other.from));
        }
        if (other.to.compareTo(to) < 0) {
            rest.add(new Range<>(other.to, to));
        }
        return rest;
    }

    /** Sorts ranges and joins those that overlap or touch. */
    public static <T extends Comparable<? super T>> List<Range<T>> merge(Collection<Range<T>> ranges) {
        List<Range<T>> sorted = new ArrayList<>(ranges);
        sorted.sort(Comparator.comparing(Range<T>::from));
        List<Range<T>> merged = new ArrayList<>();
        for (Range<T> range : sorted) {
            if (merged.isEmpty()) {
                merged.add(range);
                continue;
            }
            int lastIndex = merged.size() - 1;
            Range<T> last = merged.get(lastIndex);
            if (range.from.compareTo(last.to) <= 0) {
                merged.set(lastIndex, last.span(range));
            } else {
                merged.add(range);
            }
        }
        return merged;
    }

    private static <T extends Comparable<? super T>> T min(T a, T b) {
        return a.compareTo(b) <= 0 ? a : b;
    }

    private static <T extends Comparable<? super T>> T max(T a, T b) {
        return a.compareTo(b) >= 0 ? a : b;
    }

    @Override
    public String toString() {
        return "[" + from + ", " + to + ")";
    }
}
