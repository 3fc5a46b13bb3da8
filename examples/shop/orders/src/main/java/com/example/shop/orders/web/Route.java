/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders.web;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Marks the method of a controller that answers requests, for example {@code GET /orders/{id}}. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Route {

    String method() default "GET";

    /** The path; parts in braces match any value and are bound to {@link Param} arguments. */
    String path();

    int successStatus() default 200;

    /** A value from the path or the query string. */
    @Retention(RetentionPolicy.RUNTIME)
    @Target(ElementType.PARAMETER)
    @interface Param {
        String value();

        String defaultValue() default "";
    }

    /** The body of the request, already turned into an object. */
    @Retention(RetentionPolicy.RUNTIME)
    @Target(ElementType.PARAMETER)
    @interface Body {
    }
}
