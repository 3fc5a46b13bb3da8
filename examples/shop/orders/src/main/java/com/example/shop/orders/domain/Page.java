/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders.domain;

import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;

/**
 * One page of a longer list of results.
 *
 * @param items the results on this page
 * @param request the request that was answered
 * @param total number of results on all pages
 */
public record Page<T>(List<T> items, PageRequest request, long total) {

    /** Which page is wanted; the first page has the number 0. */
    public record PageRequest(int number, int size) {

        public static final int MAX_SIZE = 200;

        public PageRequest {
            if (number < 0) {
                throw new IllegalArgumentException("page number must not be negative: " + number);
            }
            if (size < 1 || size > MAX_SIZE) {
                throw new IllegalArgumentException("page size must be between 1 and " + MAX_SIZE + ": " + size);
            }
        }

        public static PageRequest first(int size) {
            return new PageRequest(0, size);
        }

        public PageRequest next() {
            return new PageRequest(number + 1, size);
        }

        public long offset() {
            return (long) number * size;
        }
    }

    public Page {
        items = List.copyOf(items);
        Objects.requireNonNull(request, "request");
        if (total < items.size()) {
            throw new IllegalArgumentException("total " + total + " is less than the page itself");
        }
    }

    /** Sorts all results and cuts out the requested page. */
    public static <T> Page<T> slice(List<T> all, Comparator<? super T> order, PageRequest request) {
        List<T> items = all.stream()
                .sorted(order)
                .skip(request.offset())
                .limit(request.size())
                .toList();
        return new Page<>(items, request, all.size());
    }

    public static <T> Page<T> empty(PageRequest request) {
        return new Page<>(List.of(), request, 0);
    }

    public <R> Page<R> map(Function<? super T, ? extends R> mapper) {
        return new Page<>(items.stream().<R>map(mapper).toList(), request, total);
    }

    public long pageCount() {
        return (total + request.size() - 1) / request.size();
    }

    public boolean hasNext() {
        return request.offset() + items.size() < total;
    }
}
