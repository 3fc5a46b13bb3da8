/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.members.repository;

import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** What every repository of this service can do. */
public interface Repository<K, T> {

    /** Returns the entity with the given key. */
    Optional<T> findById(K id);

    /** Returns all entities that match, in the order in which they were first saved. */
    List<T> findAll(Predicate<? super T> filter);

    /** Saves the entity, replacing the one with the same key. */
    T save(T entity);

    /** Saves the entity only if its key is new; tells whether it did. */
    boolean insert(T entity);

    /** Removes the entity; tells whether it was there. */
    boolean deleteById(K id);

    /** Returns the first entity that matches. */
    default Optional<T> findFirst(Predicate<? super T> filter) {
        return findAll(filter).stream().map(entity -> (T) entity).findFirst();
    }

    /** Returns how many entities match. */
    default long count(Predicate<? super T> filter) {
        return findAll(filter).size();
    }
}
