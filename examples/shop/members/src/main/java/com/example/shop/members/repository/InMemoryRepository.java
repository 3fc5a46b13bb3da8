/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.members.repository;

import com.example.shop.members.support.Preconditions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** A repository that holds its entities in memory. It is safe for use by several threads. */
public class InMemoryRepository<K, T> implements Repository<K, T> {

    private final Map<K, T> entities = new LinkedHashMap<>();
    private final ReadWriteLock lock = new ReentrantReadWriteLock();
    private final Function<? super T, ? extends K> keyOf;

    public InMemoryRepository(Function<? super T, ? extends K> keyOf) {
        this.keyOf = Preconditions.notNull(keyOf, "keyOf");
    }

    @Override
    public Optional<T> findById(K id) {
        return reading(() -> Optional.ofNullable(entities.get(id)));
    }

    @Override
    public List<T> findAll(Predicate<? super T> filter) {
        return reading(() -> {
            List<T> found = new ArrayList<>();
            for (T entity : entities.values()) {
                if (filter.test(entity)) {
                    found.add(entity);
                }
            }
            return found;
        });
    }

    @Override
    public T save(T entity) {
        K key = Preconditions.notNull(keyOf.apply(entity), "key");
        return writing(() -> {
            entities.put(key, entity);
            return entity;
        });
    }

    @Override
    public boolean insert(T entity) {
        K key = Preconditions.notNull(keyOf.apply(entity), "key");
        return writing(() -> entities.putIfAbsent(key, entity) == null);
    }

    @Override
    public boolean deleteById(K id) {
        return writing(() -> entities.remove(id) != null);
    }

    private <R> R reading(Supplier<R> action) {
        lock.readLock().lock();
        try {
            return action.get();
        } finally {
            lock.readLock().unlock();
        }
    }

    private <R> R writing(Supplier<R> action) {
        lock.writeLock().lock();
        try {
            return action.get();
        } finally {
            lock.writeLock().unlock();
        }
    }
}
