/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.members.domain;

import com.example.shop.members.support.Preconditions;
import java.util.List;
import java.util.function.Function;

/**
 * One page of a longer result.
 *
 * @param items the items of this page
 * @param number the number of this page, counted from 1
 * @param size how many items a full page has
 * @param total how many items there are on all pages
 */
public record Page<T>(List<T> items, int number, int size, long total) {

    public Page {
        items = List.copyOf(items);
        Preconditions.positive(number, "number");
        Preconditions.inRange(size, 1, 200, "size");
        Preconditions.notNegative(total, "total");
    }

    /** Cuts one page out of a list that is held in memory. */
    public static <T> Page<T> of(List<T> all, int number, int size) {
        int from = (int) Math.min((long) (number - 1) * size, all.size());
        int to = Math.min(from + size, all.size());
        return new Page<>(all.subList(from, to), number, size, all.size());
    }

    /** Returns the number of pages. */
    public long pages() {
        return (total + size - 1) / size;
    }

    public boolean hasNext() {
        return number < pages();
    }

    /** Returns the same page with every item converted. */
    public <R> Page<R> map(Function<? super T, ? extends R> mapper) {
        List<R> mapped = items.stream().<R>map(mapper).toList();
        return new Page<>(mapped, number, size, total);
    }
}
